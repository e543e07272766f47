CREATE OR REPLACE FUNCTION journal_suspenseitem_resolve() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.resolved_at IS NOT NULL OR NEW.resolved_at IS NULL
       OR (NEW.id, NEW.chain_id, NEW.seq, NEW.memo, NEW.reason, NEW.subject, NEW.amount_minor, NEW.currency,
           NEW.opened_at) IS DISTINCT FROM
          (OLD.id, OLD.chain_id, OLD.seq, OLD.memo, OLD.reason, OLD.subject, OLD.amount_minor, OLD.currency,
           OLD.opened_at) THEN
        RAISE EXCEPTION 'suspense: an item changes once, when it is resolved' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.answered_seq IS NULL AND EXISTS (
        SELECT 1 FROM journal_resolutionend e JOIN journal_resolution r ON r.id = e.resolution_id
        WHERE e.outcome = 'confirmed' AND OLD.id IN (r.item_id, r.other_id)) THEN
        RETURN NEW;
    END IF;
    IF OLD.memo AND OLD.reason = 'note-in-doubt' AND EXISTS (
        SELECT 1 FROM kiosks_chain mine JOIN kiosks_chain c ON c.kiosk_id = mine.kiosk_id
        WHERE mine.id = OLD.chain_id AND (
            EXISTS (
                SELECT 1 FROM journal_record r WHERE r.chain_id = c.id AND r.seq = NEW.answered_seq
                AND r.kind IN ('NoteStacked', 'NoteUnexpected', 'NoteReturned')
                AND strpos(r.entry, '"note_id":"' || OLD.subject || '"') > 0)
            OR EXISTS (
                SELECT 1 FROM journal_forkrecord r WHERE r.chain_id = c.id AND r.seq = NEW.answered_seq
                AND r.kind IN ('NoteStacked', 'NoteUnexpected')
                AND strpos(r.entry, '"note_id":"' || OLD.subject || '"') > 0))) THEN
        RETURN NEW;
    END IF;
    IF OLD.memo AND EXISTS (
        SELECT 1 FROM kiosks_chain mine JOIN kiosks_chain c ON c.kiosk_id = mine.kiosk_id
        WHERE mine.id = OLD.chain_id AND EXISTS (
            SELECT 1 FROM (
                SELECT chain_id, seq, kind, entry FROM journal_record
                UNION ALL SELECT chain_id, seq, kind, entry FROM journal_forkrecord) r
            WHERE r.chain_id = c.id AND r.seq = NEW.answered_seq
            AND ((OLD.reason = 'card-unknown' AND r.kind IN ('CardSaleApproved', 'CardSaleEnded'))
                OR (OLD.reason = 'void-unknown' AND r.kind IN ('CardSaleVoided', 'VoidEnded')))
            AND strpos(r.entry, '"reference":"' || OLD.subject || '"') > 0)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'suspense: two people resolve an item, or the journal a memo' USING ERRCODE = 'check_violation';
END $$
-- next
CREATE OR REPLACE FUNCTION journal_resolutionend_check() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    proposal journal_resolution%ROWTYPE;
    item journal_suspenseitem%ROWTYPE;
BEGIN
    IF NEW.outcome = 'withdrawn' AND NEW.transaction_id IS NULL THEN
        RETURN NEW;
    END IF;
    IF NEW.outcome <> 'confirmed' THEN
        RAISE EXCEPTION 'suspense: a proposal is confirmed or withdrawn' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO STRICT proposal FROM journal_resolution WHERE id = NEW.resolution_id;
    SELECT * INTO STRICT item FROM journal_suspenseitem WHERE id = proposal.item_id;
    IF NEW.by_id = proposal.proposed_by_id THEN
        RAISE EXCEPTION 'suspense: another person has to confirm' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT (
        (proposal.way IN ('words', 'unpaid') AND item.memo AND proposal.other_id IS NULL AND NEW.transaction_id IS NULL)
        OR (proposal.way NOT IN ('words', 'unpaid') AND EXISTS (
            SELECT 1 FROM ledger_transaction t
            WHERE t.id = NEW.transaction_id AND t.reference = 'suspense/' || item.id
              AND t.currency = item.currency))) THEN
        RAISE EXCEPTION 'suspense: the ledger does not say what was confirmed' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM journal_suspenseitem i
        WHERE i.id IN (proposal.item_id, proposal.other_id) AND NOT i.memo AND NOT EXISTS (
            SELECT 1 FROM ledger_entry e
            WHERE e.transaction_id = NEW.transaction_id AND e.subject = i.subject AND e.amount_minor = i.amount_minor
              AND e.account_id = CASE i.reason WHEN 'journal-fork' THEN 'fork-suspense' ELSE 'suspense' END)) THEN
        RAISE EXCEPTION 'suspense: the ledger does not take the money out of suspense'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
-- next
CREATE OR REPLACE FUNCTION journal_resolutionend_earlier() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM journal_resolution r JOIN journal_suspenseitem i ON i.id = r.item_id
        WHERE r.id = NEW.resolution_id AND (r.way = 'already' OR r.earlier_id IS NOT NULL) AND (
            r.way <> 'already'
            OR NOT EXISTS (
                SELECT 1 FROM journal_resolution b
                JOIN journal_resolutionend e ON e.resolution_id = b.id AND e.outcome = 'confirmed'
                JOIN journal_suspenseitem was ON was.id = b.item_id
                WHERE b.id = r.earlier_id AND b.way IN ('counted', 'short', 'paid')
                  AND abs(was.amount_minor) = abs(i.amount_minor) AND was.currency = i.currency)
            OR EXISTS (
                SELECT 1 FROM journal_resolution o
                JOIN journal_resolutionend e ON e.resolution_id = o.id AND e.outcome = 'confirmed'
                WHERE o.earlier_id = r.earlier_id))) THEN
        RAISE EXCEPTION 'suspense: only cash that stands twice is taken back, and once'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
