package engine_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
	"domovoy/reports/journal"
)

// BenchmarkObserve reads a panel each second in which a hundred certificates were
// ordered, as .ci/bench/panel does, and tells what changed. cpu-ms/op does not include
// the panel's writing. Where it goes:
//
//	go test ./bot/engine -run - -bench Observe/200 -benchtime 200x -cpuprofile cpu.out
//	go tool pprof -peek 'ReadPanel$|copyLog$|observe$' cpu.out
func BenchmarkObserve(b *testing.B) {
	for _, sites := range []int{200, 10_000} {
		b.Run(fmt.Sprint(sites), func(b *testing.B) { benchObserve(b, sites) })
	}
}

func benchObserve(b *testing.B, sites int) {
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	panel := busyPanel(b, sites, now)
	j, err := journal.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"))
	must(err)
	b.Cleanup(func() { _ = j.Close() })
	reader := ispmanager.New(ispmanager.Config{Name: "isp1", Database: panel.Path(), SitesEvery: time.Minute})
	b.Cleanup(func() { _ = reader.Close() })
	e := enginetest.New(b, engine.Config{Journal: j, Sources: []watch.Source{{Name: "isp1", Reader: reader}},
		Rules:    watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 0.1},
		Audience: bot.Audience{Chats: []bot.Chat{{To: bot.Address{Messenger: "wall", Chat: "ops"}, Receives: []string{bot.Alerts}}}}})
	must(e.Alerts.Observe(b.Context(), now))
	var spent time.Duration
	orders, n := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		now = now.Add(time.Second)
		must(panel.Transaction(func() error {
			for range 100 {
				if err := order(panel, orders%sites+1, now); err != nil {
					return err
				}
				orders++
			}
			return nil
		}))
		b.StartTimer()
		begun := cpuTime()
		must(e.Alerts.Observe(b.Context(), now))
		spent += cpuTime() - begun
		n++
	}
	b.ReportMetric(float64(spent.Microseconds())/1000/float64(n), "cpu-ms/op")
}

// order writes what the panel writes when it orders a site's certificate; one of ten
// fails.
func order(panel *lab.Panel, site int, at time.Time) error {
	const query = `INSERT INTO letsencrypt_log (certname, status, date, message) SELECT certname, ?2, ?3, ?4 || domain_name || '/' || hex(randomblob(16)) FROM letsencrypt_ssl WHERE id = ?1`
	status, text, when := "ok", "order for ", at.Format(time.DateTime)
	if site%10 == 3 {
		status, text = lab.StatusFailed, "urn:ietf:params:acme:error:unauthorized: 203.0.113.10: Invalid response from http://"
	}
	if err := panel.Exec(query, site, "processing", when, "order for "); err != nil {
		return err
	}
	if err := panel.Exec(query, site, status, when, text); err != nil {
		return err
	}
	return panel.Exec(`UPDATE letsencrypt_ssl SET time_started = ?2 WHERE id = ?1`, site, when)
}

// busyPanel has sites with a certificate each, and a log of 50,000 rows.
func busyPanel(b *testing.B, sites int, now time.Time) *lab.Panel {
	panel, err := lab.NewPanel(filepath.Join(b.TempDir(), "panel.db"), lab.WithZone(time.UTC))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = panel.Close() })
	const count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?1) "
	for _, fill := range []struct {
		query string
		rows  int
	}{
		{"INSERT INTO users(name) SELECT 'client' || i FROM n WHERE ?2 <> ''", 50},
		{"INSERT INTO webdomain(name, name_idn, users, secure, ssl_cert) SELECT 's' || i || '.example', 's' || i || '.example', 1 + i % 50, 'on', 's' || i || '.example_le1' FROM n WHERE ?2 <> ''", sites},
		{"INSERT INTO webdomain_ipaddr(webdomain, value) SELECT i, '203.0.113.10' FROM n WHERE ?2 <> ''", sites},
		{"INSERT INTO letsencrypt_ssl(certname, users, domain_name, time_started) SELECT 's' || i || '.example_le1', 1 + i % 50, 's' || i || '.example', datetime(?2, '-' || i || ' minutes') FROM n", sites},
		{"INSERT INTO letsencrypt_log(certname, status, date, message) SELECT 's' || (1 + i * 7919 % (SELECT count(*) FROM webdomain)) || '.example_le1', 'ok', datetime(?2, '-400 days', '+' || (i * 10) || ' minutes'), 'issued' FROM n", 50_000},
	} {
		if err := panel.Exec(count+fill.query, fill.rows, now.Format(time.DateTime)); err != nil {
			b.Fatal(err)
		}
	}
	return panel
}

// cpuTime is what this process has spent.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
