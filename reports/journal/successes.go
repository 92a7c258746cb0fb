package journal

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"

	"domovoy/checks"
)

// OrderSpan says which attempts Orders returns. Its times are in this order.
type OrderSpan struct {
	Issued time.Time // of the successes at or after Issued, and before All, the last of each certificate
	All    time.Time // all successes at or after All
	Failed time.Time // all failures at or after Failed
}

// Orders calls each, oldest first, with the attempts of a server that a span
// includes. They have no row, and only failed ones have their text.
//
// Most successes are those of the process before: they are stored as one value, which
// every change of one of them deletes, so that the answer is always that of the
// attempts.
func (j *Journal) Orders(ctx context.Context, server string, span OrderSpan, each func(checks.Attempt)) error {
	var old *successes
	var later orders
	err := j.view(ctx, "reading orders", func(t *tx) (err error) {
		if old, err = t.storedSuccesses(ctx, server, span); err != nil || old == nil {
			return err
		}
		later, err = t.orders(ctx, server, old.until, millis(span.Failed))
		return err
	})
	if err == nil && old == nil {
		// One transaction, so that no attempt changes before the value is stored.
		if err := j.settleAttempts(ctx, server); err != nil {
			return err
		}
		err = j.copy(ctx, "reading all orders", func(t *tx) (err error) {
			if old, err = t.readSuccesses(ctx, server, span); err != nil {
				return err
			}
			later, err = t.orders(ctx, server, old.until, millis(span.Failed))
			return err
		})
	}
	if err != nil {
		return err
	}
	old.each(server, span, each)
	later.each(server, func(a checks.Attempt) {
		a.Row = 0
		each(a)
	})
	return nil
}

// successes are the successes of a server before a moment.
type successes struct {
	since, turn, until int64    // see the table
	names              []string // of certificates
	events             []success
}

// success is one of them.
type success struct {
	time        int64
	certificate int // index of its name
}

// When successes are stored.
const (
	manySuccesses = 1000           // so many take longer to read one by one
	successesLast = 48 * time.Hour // then they are read again, since what follows them has grown
)

// each calls do with the successes that are in a span, which begins at s.since or
// later.
func (s *successes) each(server string, span OrderSpan, do func(checks.Attempt)) {
	from, all := millis(span.Issued), millis(span.All)
	last := make([]int, len(s.names)) // of each certificate, the index of its last event before all
	for i, e := range s.events {
		if e.time < all {
			last[e.certificate] = i
		}
	}
	for i, e := range s.events {
		if e.time >= all || e.time >= from && last[e.certificate] == i {
			do(checks.Attempt{Server: server, Certificate: s.names[e.certificate], Outcome: checks.OutcomeIssued, Time: moment(e.time)})
		}
	}
}

// storedSuccesses returns the stored value; nil: there is none that has all of a span
// up to a short while before its failures.
func (t *tx) storedSuccesses(ctx context.Context, server string, span OrderSpan) (*successes, error) {
	var value []byte
	scan := func(row scanner) (s *successes, err error) {
		s = &successes{}
		return s, row.Scan(&s.since, &s.turn, &s.until, &value)
	}
	failed := millis(span.Failed)
	s, ok, err := one(ctx, t, scan, `SELECT since, turn, until, events FROM successes WHERE server = `+serverID+`
		AND since <= ?2 AND turn <= ?3 AND until <= ?4 AND until > ?4 - ?5`,
		server, max(1, millis(span.Issued)), max(1, millis(span.All)), failed, successesLast.Milliseconds())
	if err != nil || !ok || !s.decode(value) {
		return nil, err
	}
	return s, nil
}

// readSuccesses reads the attempts of a span that precede its failures, and stores
// them if they are many.
func (t *tx) readSuccesses(ctx context.Context, server string, span OrderSpan) (*successes, error) {
	s := &successes{since: max(1, millis(span.Issued)), turn: max(1, millis(span.All)), until: max(1, millis(span.Failed))}
	index := map[int64]int{} // of names, by the certificate's id
	_, err := all(ctx, t, func(row scanner) (struct{}, error) {
		var id, at int64
		var name string
		err := row.Scan(&id, &name, &at)
		index[id] = len(s.names)
		s.events = append(s.events, success{at, len(s.names)})
		s.names = append(s.names, name)
		return struct{}{}, err
		// Most certificates have not been issued since turn, so that their sums
		// answer; of the others the index by certificate has it close to its end.
	}, `SELECT id, name, time FROM (SELECT c.id, c.name, iif(c.last_issued < ?3, c.last_issued,
			(SELECT a.time FROM attempt a WHERE a.certificate = c.id AND a.settled = 1 AND a.time >= ?2 AND a.time < ?3 AND a.outcome = ?4
				ORDER BY a.time DESC LIMIT 1)) AS time
		FROM certificate c WHERE c.server = ?1 AND c.last_issued >= ?2) WHERE time IS NOT NULL ORDER BY time`,
		server, s.since, s.turn, checks.OutcomeIssued)
	if err != nil {
		return nil, err
	}
	unnamed := map[int64]int{}
	_, err = all(ctx, t, func(row scanner) (struct{}, error) {
		var id, at int64
		err := row.Scan(&id, &at)
		i, known := index[id]
		if !known {
			i = len(s.names)
			index[id], unnamed[id] = i, i
			s.names = append(s.names, "")
		}
		s.events = append(s.events, success{at, i})
		return struct{}{}, err
	}, `SELECT certificate, time FROM attempt WHERE server = `+serverID+` AND time >= ?2 AND time < ?3 AND outcome = ?4 ORDER BY time`,
		server, s.turn, s.until, checks.OutcomeIssued)
	if err != nil {
		return nil, err
	}
	if err := certificateNames(ctx, t, unnamed, func(id int64, name string) { s.names[unnamed[id]] = name }); err != nil {
		return nil, err
	}
	if len(s.events) < manySuccesses {
		return s, nil
	}
	_, err = t.exec(ctx, `INSERT OR REPLACE INTO successes (server, since, turn, until, events) SELECT id, ?, ?, ?, ? FROM server WHERE name = ?`,
		s.since, s.turn, s.until, s.encode(), server)
	return s, err
}

// forgetSuccesses deletes the stored successes of a server if they go beyond a moment
// at which one of them changed.
func (t *tx) forgetSuccesses(ctx context.Context, server, changed int64) error {
	_, err := t.exec(ctx, `DELETE FROM successes WHERE server = ? AND until > ?`, server, changed)
	return err
}

// firstSuccess returns the earliest time at which some of these attempts succeeded;
// the largest number: none did.
func firstSuccess(attempts ...kept) int64 {
	first := int64(math.MaxInt64)
	for _, k := range attempts {
		if k.outcome == checks.OutcomeIssued {
			first = min(first, k.time)
		}
	}
	return first
}

// checksum is the size of the one at the end of a stored value: a value that is not as
// it was written is read again.
const checksum = 4

// encode returns names and events as they are stored: counts, lengths, the distance in
// time from the event before, and indexes are varints.
func (s *successes) encode() []byte {
	value := binary.AppendUvarint(nil, uint64(len(s.names)))
	for _, name := range s.names {
		value = append(binary.AppendUvarint(value, uint64(len(name))), name...)
	}
	value = binary.AppendUvarint(value, uint64(len(s.events)))
	at := s.since
	for _, e := range s.events {
		value = binary.AppendUvarint(binary.AppendUvarint(value, uint64(e.time-at)), uint64(e.certificate))
		at = e.time
	}
	return binary.BigEndian.AppendUint32(value, crc32.ChecksumIEEE(value))
}

// decode reads what encode wrote; false: it is something else.
func (s *successes) decode(value []byte) bool {
	end := len(value) - checksum
	if end < 0 || binary.BigEndian.Uint32(value[end:]) != crc32.ChecksumIEEE(value[:end]) {
		return false
	}
	text := string(value[:end]) // names share its memory
	value = value[:end]
	number := func() int {
		n, size := binary.Uvarint(value)
		value = value[size:]
		return int(n)
	}
	s.names = make([]string, number())
	for i := range s.names {
		length := number()
		start := len(text) - len(value)
		s.names[i], value = text[start:start+length], value[length:]
	}
	s.events = make([]success, number())
	at := s.since
	for i := range s.events {
		at += int64(number())
		s.events[i] = success{at, number()}
	}
	return true
}
