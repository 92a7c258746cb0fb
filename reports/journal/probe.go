package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"domovoy/checks"
)

// KeepProbes stores the probes of a server's sites; each replaces the one before
// it of its site.
func (j *Journal) KeepProbes(ctx context.Context, server string, probes map[string]checks.Probe) error {
	return j.copy(ctx, "keeping probes", func(t *tx) error {
		for site, p := range probes {
			if err := t.keepProbe(ctx, server, site, p); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) keepProbe(ctx context.Context, server, site string, l checks.Probe) error {
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
		return fmt.Errorf("storing a probe of %s: %w", site, err)
	}
	failures, err := json.Marshal(l.Failures)
	if err != nil {
		return fmt.Errorf("storing a probe of %s: %w", site, err)
	}
	_, err = t.exec(ctx, `INSERT INTO look (`+lookColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET at = excluded.at, checks = excluded.checks, findings = excluded.findings, failures = excluded.failures,
			served_from = excluded.served_from, served_until = excluded.served_until, own_servers = excluded.own_servers, alone = excluded.alone`,
		server, site, millis(l.At), jsonText(l.Checks), string(found), string(failures), millis(l.Served.NotBefore), millis(l.Served.NotAfter), l.Own, l.Alone)
	return err
}

const lookColumns = `server, site, at, checks, findings, failures, served_from, served_until, own_servers, alone`

// Probes returns the last probe of each site of a server.
func (j *Journal) Probes(ctx context.Context, server string) (map[string]checks.Probe, error) {
	probes := map[string]checks.Probe{}
	ran, places := map[string][]string{}, map[string]string{} // the checks that ran, and from where: the same for thousands of probes
	scan := func(s scanner) (struct{}, error) {
		site, p, err := scanProbe(s, ran)
		if _, same := places[p.Alone]; !same {
			places[p.Alone] = p.Alone
		}
		p.Alone = places[p.Alone]
		probes[site] = p
		return struct{}{}, err
	}
	err := j.view(ctx, "reading probes", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT `+lookColumns+` FROM look WHERE server = ?`, server)
		return err
	})
	return probes, err
}

// scanProbe reads a probe. Lists of checks that others have too are shared.
func scanProbe(s scanner, known map[string][]string) (site string, l checks.Probe, err error) {
	var server, ran, findings, failures string
	if err := s.Scan(&server, &site, stamp{&l.At}, &ran, &findings, &failures, stamp{&l.Served.NotBefore}, stamp{&l.Served.NotAfter}, &l.Own, &l.Alone); err != nil {
		return site, l, err
	}
	if _, same := known[ran]; !same {
		if err := json.Unmarshal([]byte(ran), &l.Checks); err != nil {
			return site, l, fmt.Errorf("reading the probe of %s: %w", site, err)
		}
		known[ran] = l.Checks
	}
	l.Checks = known[ran]
	var texts []json.RawMessage
	if err := json.Unmarshal([]byte(findings), &texts); err != nil {
		return site, l, fmt.Errorf("reading the probe of %s: %w", site, err)
	}
	for _, text := range texts {
		f, err := decodeFinding(string(text))
		if err != nil {
			return site, l, err
		}
		l.Findings = append(l.Findings, f)
	}
	return site, l, json.Unmarshal([]byte(failures), &l.Failures)
}

// ForgetProbes removes the probes of sites that were not probed since a moment,
// because they left the panel or were switched off.
func (j *Journal) ForgetProbes(ctx context.Context, server string, before time.Time) error {
	return j.copy(ctx, "forgetting probes", func(t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM look WHERE server = ? AND at < ?`, server, millis(before))
		return err
	})
}
