CREATE TRIGGER journal_suspenseitem_check BEFORE INSERT ON journal_suspenseitem BEGIN
    -- INSERT OR REPLACE removes the old row without firing delete triggers, so it must be met here.
    SELECT RAISE(ABORT, 'suspense: an item is opened once, and open')
    WHERE NEW.resolved_at IS NOT NULL OR EXISTS (SELECT 1 FROM journal_suspenseitem WHERE id = NEW.id);
END
-- next
CREATE TRIGGER journal_suspenseitem_no_delete BEFORE DELETE ON journal_suspenseitem BEGIN
    SELECT RAISE(ABORT, 'suspense: items are never removed');
END
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
                    AND instr(r.entry, '"note_id":"' || OLD.subject || '"') > 0)))));
END
-- next
CREATE TRIGGER journal_resolution_check BEFORE INSERT ON journal_resolution BEGIN
    SELECT RAISE(ABORT, 'suspense: a proposal is never replaced')
    WHERE EXISTS (SELECT 1 FROM journal_resolution WHERE id = NEW.id);
    SELECT RAISE(ABORT, 'suspense: the item is resolved already')
    WHERE EXISTS (
        SELECT 1 FROM journal_suspenseitem WHERE id IN (NEW.item_id, NEW.other_id) AND resolved_at IS NOT NULL);
    SELECT RAISE(ABORT, 'suspense: another proposal stands for this item')
    WHERE EXISTS (
        SELECT 1 FROM journal_resolution r
        WHERE (r.item_id IN (NEW.item_id, NEW.other_id) OR r.other_id IN (NEW.item_id, NEW.other_id))
          AND NOT EXISTS (SELECT 1 FROM journal_resolutionend e WHERE e.resolution_id = r.id));
    SELECT RAISE(ABORT, 'suspense: an item is not resolved with itself') WHERE NEW.item_id IS NEW.other_id;
END
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
            (r.way = 'words' AND i.memo AND r.other_id IS NULL AND NEW.transaction_id IS NULL)
            OR (r.way <> 'words' AND EXISTS (
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
CREATE TRIGGER journal_resolutionend_resolve AFTER INSERT ON journal_resolutionend WHEN NEW.outcome = 'confirmed' BEGIN
    UPDATE journal_suspenseitem
    SET resolved_at = NEW.at, resolution = (SELECT summary FROM journal_resolution WHERE id = NEW.resolution_id)
    WHERE id IN (SELECT item_id FROM journal_resolution WHERE id = NEW.resolution_id
                 UNION SELECT other_id FROM journal_resolution WHERE id = NEW.resolution_id);
END
