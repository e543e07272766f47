CREATE TRIGGER claims_claim_check BEFORE INSERT ON claims_claim BEGIN
    -- INSERT OR REPLACE removes the old row without firing delete triggers, so it must be met here.
    SELECT RAISE(ABORT, 'claims: a claim is taken down once, and open')
    WHERE NEW.answered_at IS NOT NULL
       OR EXISTS (SELECT 1 FROM claims_claim WHERE id = NEW.id OR record_hash = NEW.record_hash);
END
-- next
CREATE TRIGGER claims_claim_answer BEFORE UPDATE ON claims_claim BEGIN
    SELECT RAISE(ABORT, 'claims: a claim changes once, when it is answered')
    WHERE OLD.answered_at IS NOT NULL OR NEW.answered_at IS NULL
       OR NEW.id IS NOT OLD.id OR NEW.number IS NOT OLD.number OR NEW.kiosk_id IS NOT OLD.kiosk_id
       OR NEW.chain_id IS NOT OLD.chain_id OR NEW.seq IS NOT OLD.seq OR NEW.record_hash IS NOT OLD.record_hash
       OR NEW.fork IS NOT OLD.fork OR NEW.opened_by IS NOT OLD.opened_by OR NEW.what IS NOT OLD.what
       OR NEW."when" IS NOT OLD."when" OR NEW.account_id IS NOT OLD.account_id
       OR NEW.amount_minor IS NOT OLD.amount_minor OR NEW.currency IS NOT OLD.currency
       OR NEW.session_id IS NOT OLD.session_id OR NEW.payment_id IS NOT OLD.payment_id
       OR NEW.notes IS NOT OLD.notes OR NEW.notes_said IS NOT OLD.notes_said
       OR NEW.happened_at IS NOT OLD.happened_at OR NEW.opened_at IS NOT OLD.opened_at
       OR NEW.threatened IS NOT OLD.threatened OR NEW.answer_by IS NOT OLD.answer_by;
END
-- next
CREATE TRIGGER claims_claim_no_delete BEFORE DELETE ON claims_claim BEGIN
    SELECT RAISE(ABORT, 'claims: claims are never removed');
END
