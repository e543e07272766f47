DROP TRIGGER journal_suspenseitem_resolve
-- next
CREATE TRIGGER journal_suspenseitem_resolve BEFORE UPDATE ON journal_suspenseitem BEGIN
    SELECT RAISE(ABORT, 'suspense: an item changes once, when it is resolved')
    WHERE OLD.resolved_at IS NOT NULL OR NEW.resolved_at IS NULL
       OR NEW.id IS NOT OLD.id OR NEW.chain_id IS NOT OLD.chain_id OR NEW.seq IS NOT OLD.seq
       OR NEW.memo IS NOT OLD.memo OR NEW.reason IS NOT OLD.reason OR NEW.subject IS NOT OLD.subject
       OR NEW.amount_minor IS NOT OLD.amount_minor OR NEW.currency IS NOT OLD.currency
       OR NEW.opened_at IS NOT OLD.opened_at;
    SELECT RAISE(ABORT, 'suspense: two people resolve an item, or the journal a memo')
    WHERE NOT (
        (NEW.answered_seq IS NULL AND EXISTS (
            SELECT 1 FROM journal_resolutionend e JOIN journal_resolution r ON r.id = e.resolution_id
            WHERE e.outcome = 'confirmed' AND OLD.id IN (r.item_id, r.other_id)))
        OR (OLD.memo AND OLD.reason = 'note-in-doubt' AND EXISTS (
            SELECT 1 FROM kiosks_chain mine JOIN kiosks_chain c ON c.kiosk_id = mine.kiosk_id
            WHERE mine.id = OLD.chain_id AND (
                EXISTS (
                    SELECT 1 FROM journal_record r WHERE r.chain_id = c.id AND r.seq = NEW.answered_seq
                    AND r.kind IN ('NoteStacked', 'NoteUnexpected', 'NoteReturned')
                    AND instr(r.entry, '"note_id":"' || OLD.subject || '"') > 0)
                OR EXISTS (
                    SELECT 1 FROM journal_forkrecord r WHERE r.chain_id = c.id AND r.seq = NEW.answered_seq
                    AND r.kind IN ('NoteStacked', 'NoteUnexpected')
                    AND instr(r.entry, '"note_id":"' || OLD.subject || '"') > 0))))
        OR (OLD.memo AND EXISTS (
            SELECT 1 FROM kiosks_chain mine JOIN kiosks_chain c ON c.kiosk_id = mine.kiosk_id
            WHERE mine.id = OLD.chain_id AND EXISTS (
                SELECT 1 FROM (
                    SELECT chain_id, seq, kind, entry FROM journal_record
                    UNION ALL SELECT chain_id, seq, kind, entry FROM journal_forkrecord) r
                WHERE r.chain_id = c.id AND r.seq = NEW.answered_seq
                AND ((OLD.reason = 'card-unknown' AND r.kind IN ('CardSaleApproved', 'CardSaleEnded'))
                    OR (OLD.reason = 'void-unknown' AND r.kind IN ('CardSaleVoided', 'VoidEnded'))
                    OR (OLD.reason = 'refund-unknown' AND r.kind IN ('CardRefunded', 'RefundEnded')))
                AND instr(r.entry, '"reference":"' || OLD.subject || '"') > 0))));
END
