package journal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"domovoy/checks"
)

// FailingCertificate is a certificate with its number of failed attempts.
type FailingCertificate struct {
	Certificate string
	Times       int
}

// failedSet caches the failed attempts of the last hours: reading a panel counts them
// each time, and the index by time has them among all others. It is valid as long as
// openSet is: until another process writes.
type failedSet struct {
	mu      sync.Mutex
	driver  any   // the connection that version was asked on
	version int64 // data_version
	of      map[string]*failedLately
}

// failedLately are the failed attempts of one server.
type failedLately struct {
	since int64             // those at or after it are here
	rows  map[int64]failure // by id
	names map[int64]string  // of their certificates
}

type failure struct{ time, certificate int64 }

// Failing lists the certificates of a server that have at least times failed
// attempts at or after since, most failures first.
func (j *Journal) Failing(ctx context.Context, server string, since time.Time, times int) ([]FailingCertificate, error) {
	set := &j.failed
	set.mu.Lock()
	defer set.mu.Unlock()
	// Asked before the attempts are read: a commit in between is then noticed next time.
	driver, version, err := j.writerVersion(ctx)
	if err != nil {
		return nil, fmt.Errorf("counting failing certificates: %w", err)
	}
	if set.driver != driver || set.version != version {
		set.driver, set.version, set.of = driver, version, map[string]*failedLately{}
	}
	lately := set.of[server]
	if lately == nil || millis(since) < lately.since {
		if lately, err = j.failedSince(ctx, server, since); err != nil {
			return nil, err
		}
		set.of[server] = lately
	}
	return lately.failing(millis(since), times), nil
}

// failedSince reads the failed attempts of a server.
func (j *Journal) failedSince(ctx context.Context, server string, since time.Time) (*failedLately, error) {
	f := &failedLately{since: millis(since), rows: map[int64]failure{}, names: map[int64]string{}}
	scan := func(s scanner) (struct{}, error) {
		var id, certificate, at int64
		var name string
		err := s.Scan(&id, &certificate, &at, &name)
		f.add(kept{id: id, certificate: certificate, time: at}, name)
		return struct{}{}, err
	}
	err := j.view(ctx, "counting failing certificates", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT a.id, a.certificate, a.time, c.name FROM attempt a JOIN certificate c ON c.id = a.certificate
			WHERE a.server = `+serverID+` AND a.time >= ?2 AND a.outcome = ?3`, server, millis(since), checks.OutcomeFailed)
		return err
	})
	return f, err
}

func (f *failedLately) add(k kept, name string) {
	f.rows[k.id] = failure{k.time, k.certificate}
	if _, known := f.names[k.certificate]; !known {
		f.names[k.certificate] = name
	}
}

// failing counts the failures at or after since, and forgets those before it.
func (f *failedLately) failing(since int64, times int) []FailingCertificate {
	f.since = since
	counts := make(map[int64]int, len(f.names))
	for id, x := range f.rows {
		if x.time < since {
			delete(f.rows, id)
			continue
		}
		counts[x.certificate]++
	}
	var found []FailingCertificate
	for certificate, name := range f.names {
		switch n := counts[certificate]; {
		case n == 0:
			delete(f.names, certificate)
		case n >= times:
			found = append(found, FailingCertificate{name, n})
		}
	}
	slices.SortFunc(found, func(a, b FailingCertificate) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), strings.Compare(a.Certificate, b.Certificate))
	})
	return found
}

// note takes what a batch stored.
func (s *failedSet) note(server string, k *keeping) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lately := s.of[server]
	if lately == nil {
		return
	}
	for _, row := range k.fresh {
		if row.outcome == checks.OutcomeFailed && row.time >= lately.since {
			lately.add(row, k.sums[row.certificate].name)
		} else {
			delete(lately.rows, row.id)
		}
	}
}

// forget drops what is known of a server.
func (s *failedSet) forget(server string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, server)
}
