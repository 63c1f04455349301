/**
 * The functions of schema 1: what must look and then write, in one round trip. Each statement inside a PL/pgSQL function
 * sees what was committed before it began, so a writer that waited for a lock sees what it waited for.
 */
const parts = `
  TABLE (
    part text, revision text, owner bytea, created_at bigint, expires_at bigint, load_from bigint,
    sequence bigint, name bytea, sealed bytea
  )`;

/** One row for the session, one for each slot and turn. A single statement, so all are of one moment. */
const loadSession = `
CREATE FUNCTION stategate.load_session(of_key bytea, now_ms bigint, known text, known_sequence bigint)
RETURNS ${parts} LANGUAGE sql STABLE AS $$
  WITH session AS (
    SELECT s.*, s.revision IS NOT DISTINCT FROM known AS is_known,
      CASE WHEN split_part(s.revision, '.', 1) = split_part(known, '.', 1)
        THEN known_sequence + 1 ELSE s.load_from END AS first
    FROM stategate.sessions s WHERE s.key = of_key AND s.expires_at > now_ms
  )
  SELECT 'session', session.revision, session.owner, session.created_at, session.expires_at, session.load_from,
    NULL::bigint, NULL::bytea, CASE WHEN NOT session.is_known THEN session.head END
  FROM session
  UNION ALL
  SELECT 'slot', NULL, NULL, NULL, NULL, NULL, NULL, slots.name, slots.sealed
  FROM session JOIN stategate.slots ON slots.session = session.id WHERE NOT session.is_known
  UNION ALL
  SELECT 'turn', NULL, NULL, NULL, NULL, NULL, turns.sequence, turns.turn, turns.sealed
  FROM session JOIN stategate.turns ON turns.session = session.id AND turns.sequence >= session.first
  WHERE NOT session.is_known
  ORDER BY 7 NULLS FIRST
$$;
`;

/** The first row's \`part\` is the outcome: committed, taken, or conflict, which the rows of \`load_session\` follow. */
const commitSession = `
CREATE FUNCTION stategate.commit_session(
  now_ms bigint, of_key bytea, expected text, next_revision text,
  next_owner bytea, next_created_at bigint, next_expires_at bigint, next_load_from bigint, next_head bytea,
  turn_sequence bigint, turn_id bytea, turn_sealed bytea, slot_names bytea[], slot_values bytea[],
  known text, known_sequence bigint
) RETURNS ${parts} LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  stored record;
  session_id bigint;
BEGIN
  LOOP
    SELECT s.id, s.revision, s.expires_at > now_ms AS is_live INTO stored
    FROM stategate.sessions s WHERE s.key = of_key FOR UPDATE;

    IF (CASE WHEN stored.is_live THEN stored.revision END) IS DISTINCT FROM expected THEN
      IF stored.is_live AND stored.revision = next_revision
        AND EXISTS (SELECT FROM stategate.sessions s WHERE s.id = stored.id AND s.head = next_head)
        AND (turn_sequence IS NULL OR EXISTS (
          SELECT FROM stategate.turns t WHERE t.session = stored.id AND t.sequence = turn_sequence AND t.turn = turn_id
        ))
      THEN
        part := 'committed';
        RETURN NEXT;
      ELSE
        part := 'conflict';
        RETURN NEXT;
        RETURN QUERY SELECT * FROM stategate.load_session(of_key, now_ms, known, known_sequence);
      END IF;
      RETURN;
    END IF;

    IF stored.is_live THEN
      session_id := stored.id;
      IF turn_sequence IS NOT NULL THEN
        INSERT INTO stategate.turns (session, sequence, turn, sealed)
        VALUES (session_id, turn_sequence, turn_id, turn_sealed) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
          part := 'taken';
          RETURN NEXT;
          RETURN;
        END IF;
      END IF;
      UPDATE stategate.sessions s SET revision = next_revision, owner = next_owner, created_at = next_created_at,
        expires_at = next_expires_at, load_from = next_load_from, head = next_head
      WHERE s.id = session_id;
      EXIT;
    END IF;

    DELETE FROM stategate.sessions s WHERE s.id = stored.id;
    INSERT INTO stategate.sessions (key, revision, owner, created_at, expires_at, load_from, head)
    VALUES (of_key, next_revision, next_owner, next_created_at, next_expires_at, next_load_from, next_head)
    ON CONFLICT (key) DO NOTHING RETURNING id INTO session_id;
    IF session_id IS NOT NULL THEN
      INSERT INTO stategate.turns (session, sequence, turn, sealed)
      SELECT session_id, turn_sequence, turn_id, turn_sealed WHERE turn_sequence IS NOT NULL;
      EXIT;
    END IF;
    -- Another creator was first: look again.
  END LOOP;

  IF cardinality(slot_names) > 0 THEN
    DELETE FROM stategate.slots s USING unnest(slot_names, slot_values) AS change (slot, value)
    WHERE s.session = session_id AND s.name = change.slot AND change.value IS NULL;
    INSERT INTO stategate.slots (session, name, sealed)
    SELECT session_id, change.slot, change.value FROM unnest(slot_names, slot_values) AS change (slot, value)
    WHERE change.value IS NOT NULL
    ON CONFLICT (session, name) DO UPDATE SET sealed = excluded.sealed;
  END IF;
  part := 'committed';
  RETURN NEXT;
END
$$;
`;

/** The bytes that are there now. */
const putRecord = `
CREATE FUNCTION stategate.put_record(now_ms bigint, of_name bytea, new_bytes bytea, new_expires_at bigint)
RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
  held bytea;
BEGIN
  LOOP
    SELECT r.bytes INTO held FROM stategate.records r
    WHERE r.name = of_name AND (r.expires_at IS NULL OR r.expires_at > now_ms);
    IF FOUND THEN RETURN held; END IF;
    INSERT INTO stategate.records AS r (name, bytes, expires_at) VALUES (of_name, new_bytes, new_expires_at)
    ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, expires_at = excluded.expires_at
    WHERE r.expires_at <= now_ms
    RETURNING r.bytes INTO held;
    IF FOUND THEN RETURN held; END IF;
  END LOOP;
END
$$;
`;

/** Nothing is written for who only looks, nor once the limit is reached. */
const takeQuota = `
CREATE FUNCTION stategate.take_quota(
  of_name bytea, starts bigint, ends bigint, limit_now bigint, want bigint, OUT granted bigint, OUT used bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  granted := 0;
  SELECT w.used INTO used FROM stategate.quota_windows w WHERE w.name = of_name AND w.starts_at = starts;
  used := coalesce(used, 0);
  IF want <= 0 OR used >= limit_now THEN RETURN; END IF;
  INSERT INTO stategate.quota_windows AS w (name, starts_at, ends_at, used, granted)
  VALUES (of_name, starts, ends, least(want, limit_now), least(want, limit_now))
  ON CONFLICT (name, starts_at) DO UPDATE SET
    used = w.used + greatest(0, least(want, limit_now - w.used)),
    granted = greatest(0, least(want, limit_now - w.used))
  RETURNING w.granted, w.used INTO granted, used;
END
$$;
`;

/** How many places the holder has now. Holders of one name wait for each other. */
const holdPlaces = `
CREATE FUNCTION stategate.hold_places(
  now_ms bigint, of_name bytea, by_holder bytea, want bigint, limit_now bigint, until_ms bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  held bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(1397178708, hashtext(encode(of_name, 'hex')));
  SELECT greatest(0, least(want, limit_now - coalesce(sum(p.count), 0))) INTO held FROM stategate.places p
  WHERE p.name = of_name AND p.holder <> by_holder AND p.until > now_ms;
  IF held > 0 THEN
    INSERT INTO stategate.places (name, holder, count, until) VALUES (of_name, by_holder, held, until_ms)
    ON CONFLICT (name, holder) DO UPDATE SET count = excluded.count, until = excluded.until;
  ELSE
    DELETE FROM stategate.places p WHERE p.name = of_name AND p.holder = by_holder;
  END IF;
  RETURN held;
END
$$;
`;

/** The sequence of a row whose place another one has; then nothing was written. Rows are locked in one order. */
const appendAudit = `
CREATE FUNCTION stategate.append_audit(
  chains text[], sequences bigint[], times bigint[], entries bytea[], particulars bytea[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  taken bigint;
BEGIN
  INSERT INTO stategate.audit_rows (chain, sequence, at, entry, details)
  SELECT * FROM unnest(chains, sequences, times, entries, particulars) ORDER BY 1, 2 ON CONFLICT DO NOTHING;
  SELECT a.sequence INTO taken
  FROM unnest(chains, sequences, entries) AS given (chain, sequence, entry)
  JOIN stategate.audit_rows a ON a.chain = given.chain AND a.sequence = given.sequence
  WHERE a.entry <> given.entry LIMIT 1;
  IF FOUND THEN RAISE EXCEPTION SQLSTATE 'SG001'; END IF;
  RETURN NULL;
EXCEPTION WHEN SQLSTATE 'SG001' THEN
  RETURN taken;
END
$$;
`;

export const firstFunctions = [loadSession, commitSession, putRecord, takeQuota, holdPlaces, appendAudit].join("\n");
