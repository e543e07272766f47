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
                OR (OLD.reason = 'void-unknown' AND r.kind IN ('CardSaleVoided', 'VoidEnded'))
                OR (OLD.reason = 'refund-unknown' AND r.kind IN ('CardRefunded', 'RefundEnded')))
            AND strpos(r.entry, '"reference":"' || OLD.subject || '"') > 0)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'suspense: two people resolve an item, or the journal a memo' USING ERRCODE = 'check_violation';
END $$
