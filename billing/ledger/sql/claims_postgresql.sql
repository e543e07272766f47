CREATE FUNCTION claims_claim_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.answered_at IS NOT NULL THEN
        RAISE EXCEPTION 'claims: a claim is taken down once, and open' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
-- next
CREATE FUNCTION claims_claim_answer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    answered claims_claim%ROWTYPE := OLD;
BEGIN
    answered.outcome := NEW.outcome;
    answered.words := NEW.words;
    answered.answered_by := NEW.answered_by;
    answered.answered_at := NEW.answered_at;
    IF OLD.answered_at IS NOT NULL OR NEW.answered_at IS NULL OR NEW IS DISTINCT FROM answered THEN
        RAISE EXCEPTION 'claims: a claim changes once, when it is answered' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
-- next
CREATE TRIGGER claims_claim_check BEFORE INSERT ON claims_claim FOR EACH ROW EXECUTE FUNCTION claims_claim_check()
-- next
CREATE TRIGGER claims_claim_answer BEFORE UPDATE ON claims_claim FOR EACH ROW EXECUTE FUNCTION claims_claim_answer()
-- next
CREATE TRIGGER claims_claim_no_delete BEFORE DELETE ON claims_claim FOR EACH ROW EXECUTE FUNCTION ledger_refuse()
-- next
CREATE TRIGGER claims_claim_no_truncate BEFORE TRUNCATE ON claims_claim
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()
-- next
ALTER TABLE claims_claim ENABLE ALWAYS TRIGGER claims_claim_check
-- next
ALTER TABLE claims_claim ENABLE ALWAYS TRIGGER claims_claim_answer
-- next
ALTER TABLE claims_claim ENABLE ALWAYS TRIGGER claims_claim_no_delete
-- next
ALTER TABLE claims_claim ENABLE ALWAYS TRIGGER claims_claim_no_truncate
