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
                WHERE b.id = r.earlier_id AND b.way IN ('counted', 'short')
                  AND abs(was.amount_minor) = i.amount_minor AND was.currency = i.currency)
            OR EXISTS (
                SELECT 1 FROM journal_resolution o
                JOIN journal_resolutionend e ON e.resolution_id = o.id AND e.outcome = 'confirmed'
                WHERE o.earlier_id = r.earlier_id)));
END
