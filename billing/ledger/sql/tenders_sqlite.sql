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
                    OR (OLD.reason = 'void-unknown' AND r.kind IN ('CardSaleVoided', 'VoidEnded')))
                AND instr(r.entry, '"reference":"' || OLD.subject || '"') > 0))));
END
-- next
DROP TRIGGER journal_resolutionend_check
-- next
CREATE TRIGGER journal_resolutionend_check BEFORE INSERT ON journal_resolutionend BEGIN
    SELECT RAISE(ABORT, 'suspense: a proposal ends once')
    WHERE EXISTS (SELECT 1 FROM journal_resolutionend WHERE id = NEW.id OR resolution_id = NEW.resolution_id);
    SELECT RAISE(ABORT, 'suspense: a proposal is confirmed or withdrawn')
    WHERE NEW.outcome NOT IN ('confirmed', 'withdrawn')
       OR (NEW.outcome = 'withdrawn' AND NEW.transaction_id IS NOT NULL);
    SELECT RAISE(ABORT, 'suspense: another person has to confirm')
    WHERE NEW.outcome = 'confirmed'
      AND NEW.by_id IS (SELECT proposed_by_id FROM journal_resolution WHERE id = NEW.resolution_id);
    SELECT RAISE(ABORT, 'suspense: the ledger does not say what was confirmed')
    WHERE NEW.outcome = 'confirmed' AND NOT EXISTS (
        SELECT 1 FROM journal_resolution r JOIN journal_suspenseitem i ON i.id = r.item_id
        WHERE r.id = NEW.resolution_id AND (
            (r.way IN ('words', 'unpaid') AND i.memo AND r.other_id IS NULL AND NEW.transaction_id IS NULL)
            OR (r.way NOT IN ('words', 'unpaid') AND EXISTS (
                SELECT 1 FROM ledger_transaction t
                WHERE t.id = NEW.transaction_id AND t.reference = 'suspense/' || i.id AND t.currency = i.currency))));
    SELECT RAISE(ABORT, 'suspense: the ledger does not take the money out of suspense')
    WHERE NEW.outcome = 'confirmed' AND EXISTS (
        SELECT 1 FROM journal_resolution r JOIN journal_suspenseitem i ON i.id IN (r.item_id, r.other_id)
        WHERE r.id = NEW.resolution_id AND NOT i.memo AND NOT EXISTS (
            SELECT 1 FROM ledger_entry e
            WHERE e.transaction_id = NEW.transaction_id AND e.subject = i.subject AND e.amount_minor = i.amount_minor
              AND e.account_id = CASE i.reason WHEN 'journal-fork' THEN 'fork-suspense' ELSE 'suspense' END));
END
-- next
DROP TRIGGER journal_resolutionend_earlier
-- next
CREATE TRIGGER journal_resolutionend_earlier BEFORE INSERT ON journal_resolutionend WHEN NEW.outcome = 'confirmed' BEGIN
    SELECT RAISE(ABORT, 'suspense: only cash that stands twice is taken back, and once')
    WHERE EXISTS (
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
                WHERE o.earlier_id = r.earlier_id)));
END
