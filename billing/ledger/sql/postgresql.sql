CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: rows are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
-- next
CREATE FUNCTION ledger_transaction_check() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    line jsonb;
    total numeric := 0;
BEGIN
    IF jsonb_typeof(NEW.lines) IS DISTINCT FROM 'array' OR jsonb_array_length(NEW.lines) < 2 THEN
        RAISE EXCEPTION 'ledger: a transaction needs at least two lines' USING ERRCODE = 'check_violation';
    END IF;
    FOR line IN SELECT value FROM jsonb_array_elements(NEW.lines) LOOP
        IF jsonb_typeof(line) <> 'array' OR jsonb_array_length(line) <> 3
           OR jsonb_typeof(line -> 0) <> 'string' OR jsonb_typeof(line -> 1) <> 'string'
           OR jsonb_typeof(line -> 2) <> 'number' OR (line ->> 2) !~ '^-?[1-9][0-9]*$' THEN
            RAISE EXCEPTION 'ledger: a line is [account, subject, whole amount other than 0]'
                USING ERRCODE = 'check_violation';
        END IF;
        IF NOT EXISTS (SELECT 1 FROM ledger_ledgeraccount WHERE code = line ->> 0) THEN
            RAISE EXCEPTION 'ledger: unknown account' USING ERRCODE = 'check_violation';
        END IF;
        total := total + (line ->> 2)::numeric;
    END LOOP;
    IF total <> 0 THEN
        RAISE EXCEPTION 'ledger: the transaction does not balance' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
-- next
CREATE FUNCTION ledger_transaction_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_entry (transaction_id, line, account_id, subject, amount_minor)
    SELECT NEW.id, position - 1, value ->> 0, value ->> 1, (value ->> 2)::bigint
    FROM jsonb_array_elements(NEW.lines) WITH ORDINALITY AS item (value, position);
    RETURN NULL;
END $$
-- next
CREATE FUNCTION ledger_entry_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_entry WHERE transaction_id = NEW.transaction_id AND line = NEW.line)
       OR NOT EXISTS (
            SELECT 1 FROM ledger_transaction
            WHERE id = NEW.transaction_id
              AND lines -> NEW.line = jsonb_build_array(NEW.account_id, NEW.subject, NEW.amount_minor)) THEN
        RAISE EXCEPTION 'ledger: entries come from their transaction alone' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
-- next
CREATE FUNCTION ledger_account_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_ledgeraccount WHERE code = NEW.code) THEN
        RAISE EXCEPTION 'ledger: an account is never replaced' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
-- next
CREATE TRIGGER ledger_transaction_check BEFORE INSERT ON ledger_transaction
FOR EACH ROW EXECUTE FUNCTION ledger_transaction_check()
-- next
CREATE TRIGGER ledger_transaction_write AFTER INSERT ON ledger_transaction
FOR EACH ROW EXECUTE FUNCTION ledger_transaction_write()
-- next
CREATE TRIGGER ledger_entry_check BEFORE INSERT ON ledger_entry
FOR EACH ROW EXECUTE FUNCTION ledger_entry_check()
-- next
CREATE TRIGGER ledger_account_check BEFORE INSERT ON ledger_ledgeraccount
FOR EACH ROW EXECUTE FUNCTION ledger_account_check()
-- next
ALTER TABLE ledger_transaction ENABLE ALWAYS TRIGGER ledger_transaction_check
-- next
ALTER TABLE ledger_transaction ENABLE ALWAYS TRIGGER ledger_transaction_write
-- next
ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_check
-- next
ALTER TABLE ledger_ledgeraccount ENABLE ALWAYS TRIGGER ledger_account_check
