CREATE TRIGGER ledger_transaction_check BEFORE INSERT ON ledger_transaction BEGIN
    -- INSERT OR REPLACE removes the old row without firing delete triggers, so it must be met here.
    SELECT RAISE(ABORT, 'ledger: a transaction is never replaced') WHERE EXISTS (
        SELECT 1 FROM ledger_transaction
        WHERE id = NEW.id OR reference = NEW.reference OR reverses_id = NEW.reverses_id);
    SELECT RAISE(ABORT, 'ledger: a transaction needs at least two lines')
    WHERE json_type(NEW.lines) IS NOT 'array' OR json_array_length(NEW.lines) < 2;
    SELECT RAISE(ABORT, 'ledger: a line is [account, subject, whole amount other than 0]') WHERE EXISTS (
        SELECT 1 FROM json_each(NEW.lines)
        WHERE type IS NOT 'array'
           OR json_array_length(value) IS NOT 3
           OR json_type(value, '$[0]') IS NOT 'text'
           OR json_type(value, '$[1]') IS NOT 'text'
           OR typeof(json_extract(value, '$[2]')) IS NOT 'integer'
           OR json_type(value, '$[2]') IS NOT 'integer'
           OR json_extract(value, '$[2]') = 0);
    SELECT RAISE(ABORT, 'ledger: unknown account') WHERE EXISTS (
        SELECT 1 FROM json_each(NEW.lines)
        WHERE json_extract(value, '$[0]') NOT IN (SELECT code FROM ledger_ledgeraccount));
    SELECT RAISE(ABORT, 'ledger: the transaction does not balance')
    WHERE (SELECT sum(json_extract(value, '$[2]')) FROM json_each(NEW.lines)) IS NOT 0;
END
-- next
CREATE TRIGGER ledger_transaction_write AFTER INSERT ON ledger_transaction BEGIN
    INSERT INTO ledger_entry (transaction_id, line, account_id, subject, amount_minor)
    SELECT NEW.id, key, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
    FROM json_each(NEW.lines);
END
-- next
CREATE TRIGGER ledger_entry_check BEFORE INSERT ON ledger_entry BEGIN
    SELECT RAISE(ABORT, 'ledger: entries come from their transaction alone')
    WHERE EXISTS (
            SELECT 1 FROM ledger_entry
            WHERE id = NEW.id OR (transaction_id = NEW.transaction_id AND line = NEW.line))
       OR NOT EXISTS (
            SELECT 1 FROM ledger_transaction
            WHERE id = NEW.transaction_id
              AND json_extract(lines, '$[' || NEW.line || '][0]') IS NEW.account_id
              AND json_extract(lines, '$[' || NEW.line || '][1]') IS NEW.subject
              AND json_extract(lines, '$[' || NEW.line || '][2]') IS NEW.amount_minor);
END
-- next
CREATE TRIGGER ledger_account_check BEFORE INSERT ON ledger_ledgeraccount BEGIN
    SELECT RAISE(ABORT, 'ledger: an account is never replaced')
    WHERE EXISTS (SELECT 1 FROM ledger_ledgeraccount WHERE code = NEW.code);
END
