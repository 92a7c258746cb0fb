package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"domovoy/checks"
)

// Look is what one look from outside found of a site.
type Look struct {
	Server, Site string
	At           time.Time
	Checks       []string // the checks that ran, or tried to
	Findings     []checks.Finding
	Failures     []checks.Failure
	Served       checks.Validity // of the certificate seen served; zero: none was
}

// KeepLooks stores looks; each replaces the one before it of its site.
func (j *Journal) KeepLooks(ctx context.Context, looks []Look) error {
	return j.change(ctx, "keeping looks", func(t *tx) error {
		for _, l := range looks {
			if err := t.keepLook(ctx, l); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) keepLook(ctx context.Context, l Look) error {
	findings := make([]json.RawMessage, len(l.Findings))
	for i, f := range l.Findings {
		text, err := encodeFinding(f)
		if err != nil {
			return err
		}
		findings[i] = json.RawMessage(text)
	}
	found, err := json.Marshal(findings)
	if err != nil {
		return fmt.Errorf("storing a look at %s: %w", l.Site, err)
	}
	failures, err := json.Marshal(l.Failures)
	if err != nil {
		return fmt.Errorf("storing a look at %s: %w", l.Site, err)
	}
	_, err = t.exec(ctx, `INSERT INTO look (`+lookColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET at = excluded.at, checks = excluded.checks, findings = excluded.findings, failures = excluded.failures,
			served_from = excluded.served_from, served_until = excluded.served_until`,
		l.Server, l.Site, millis(l.At), jsonText(l.Checks), string(found), string(failures), millis(l.Served.NotBefore), millis(l.Served.NotAfter))
	return err
}

const lookColumns = `server, site, at, checks, findings, failures, served_from, served_until`

// Looks gives the last look at each site of a server.
func (j *Journal) Looks(ctx context.Context, server string) (map[string]Look, error) {
	looks := map[string]Look{}
	ran := map[string][]string{} // of thousands of looks they are the same
	scan := func(s scanner) (struct{}, error) {
		l, err := scanLook(s, ran)
		looks[l.Site] = l
		return struct{}{}, err
	}
	err := j.look(ctx, "reading looks", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT `+lookColumns+` FROM look WHERE server = ?`, server)
		return err
	})
	return looks, err
}

// scanLook reads a look, and its checks but once where others had the same.
func scanLook(s scanner, known map[string][]string) (l Look, err error) {
	var ran, findings, failures string
	if err := s.Scan(&l.Server, &l.Site, stamp{&l.At}, &ran, &findings, &failures, stamp{&l.Served.NotBefore}, stamp{&l.Served.NotAfter}); err != nil {
		return l, err
	}
	if _, same := known[ran]; !same {
		if err := json.Unmarshal([]byte(ran), &l.Checks); err != nil {
			return l, fmt.Errorf("reading the look at %s: %w", l.Site, err)
		}
		known[ran] = l.Checks
	}
	l.Checks = known[ran]
	var texts []json.RawMessage
	if err := json.Unmarshal([]byte(findings), &texts); err != nil {
		return l, fmt.Errorf("reading the look at %s: %w", l.Site, err)
	}
	for _, text := range texts {
		f, err := decodeFinding(string(text))
		if err != nil {
			return l, err
		}
		l.Findings = append(l.Findings, f)
	}
	return l, json.Unmarshal([]byte(failures), &l.Failures)
}

// ForgetLooks removes what was seen of sites that left the panel: those not
// looked at since a moment.
func (j *Journal) ForgetLooks(ctx context.Context, server string, before time.Time) error {
	return j.change(ctx, "forgetting looks", func(t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM look WHERE server = ? AND at < ?`, server, millis(before))
		return err
	})
}
