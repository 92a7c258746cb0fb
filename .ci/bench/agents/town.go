package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/agent"
	"domovoy/bot/lab"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
)

// town is the bot with all agents.
type town struct {
	bot      *bot
	folder   string
	template string
	telegram *lab.Telegram
	rest     time.Duration // that is measured
	every    time.Duration // how often an agent reads its panel
	sites    int           // of each panel
	agents   []*host
	running  sync.WaitGroup
}

// host is an agent with its panel.
type host struct {
	name   string
	reader *reader
	db     *sql.DB // as the panel writes it
	every  time.Duration
	phase  time.Duration
}

// Next is when the panel is read next: an agent.Clock.
func (h *host) Next(after time.Time) time.Time {
	next := after.Truncate(h.every).Add(h.phase)
	if !next.After(after) {
		next = next.Add(h.every)
	}
	return next
}

// reader notes when the panel was read.
type reader struct {
	*ispmanager.Panel
	mu    sync.Mutex
	polls []time.Time
}

// Poll notes when it began, and polls the panel.
func (r *reader) Poll(ctx context.Context) (checks.Snapshot, bool, error) {
	r.mu.Lock()
	r.polls = append(r.polls, time.Now())
	r.mu.Unlock()
	return r.Panel.Poll(ctx)
}

// after is when the panel was first read after a moment; false: not yet.
func (r *reader) after(at time.Time) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, _ := slices.BinarySearchFunc(r.polls, at, time.Time.Compare)
	if i == len(r.polls) {
		return time.Time{}, false
	}
	return r.polls[i], true
}

// golden spreads any number of moments over an interval evenly.
const golden = 0.6180339887498949

func spread(n int, over time.Duration) time.Duration {
	_, part := math.Modf(float64(n) * golden)
	return time.Duration(part * float64(over))
}

// enrol makes one more panel, and starts its agent.
func (f *town) enrol(ctx context.Context) error {
	name := fmt.Sprintf("isp%03d", len(f.agents)+1)
	h := &host{name: name, every: f.every, phase: spread(len(f.agents), f.every)}
	text, err := f.bot.enrol(name)
	if err != nil {
		return err
	}
	enrolled, err := fleet.ParseEnrolment(text)
	if err != nil {
		return err
	}
	path := filepath.Join(f.folder, name+".panel.db")
	if err := f.panel(ctx, h, path); err != nil {
		return err
	}
	h.reader = &reader{Panel: ispmanager.New(ispmanager.Config{Name: name, Database: path, SitesEvery: 10 * time.Second})}
	urls, err := fleet.ParseURLs(enrolled.Hub)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	conn, err := fleet.Dial(fleet.Config{URLs: urls, Name: enrolled.Name, Key: enrolled.Key, CA: enrolled.CA, Log: log})
	if err != nil {
		return err
	}
	store, err := agent.OpenStore(ctx, filepath.Join(f.folder, name+".agent.db"))
	if err != nil {
		return err
	}
	a, err := agent.New(ctx, agent.Config{Name: name, Version: "bench", Store: store, Conn: conn, Log: log,
		Panels: []agent.Panel{{Name: name, Reader: h.reader, Zone: time.UTC, About: fleet.About{Directory: "https://127.0.0.1:9/directory"}}}})
	if err != nil {
		return err
	}
	f.agents = append(f.agents, h)
	f.running.Go(func() {
		if err := errors.Join(a.Run(ctx, h), store.Close(), h.reader.Close(), h.db.Close()); err != nil {
			log.Error("an agent ended", "name", name, "error", err)
		}
		conn.Close()
	})
	return nil
}

// panel makes a panel from the template, with names of its own.
func (f *town) panel(ctx context.Context, h *host, path string) error {
	if err := copyFile(f.template, path); err != nil {
		return err
	}
	q := url.Values{"_pragma": {"busy_timeout(10000)", "synchronous(OFF)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return err
	}
	h.db = db
	own := "." + h.name + ".example"
	for _, column := range []string{"webdomain.name", "webdomain.name_idn", "webdomain.ssl_cert", "webdomain_alias.name", "webdomain_alias.name_idn",
		"letsencrypt_ssl.certname", "letsencrypt_ssl.domain_name", "letsencrypt_log.certname", "letsencrypt_log.message"} {
		table, name, _ := strings.Cut(column, ".")
		if _, err := db.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET %s = replace(%s, '.example.com', ?)", table, name, name), own); err != nil {
			return err
		}
	}
	return db.QueryRowContext(ctx, "SELECT count(*) FROM webdomain").Scan(&f.sites)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// reissue has every certificate of the panel ordered and issued again.
func (h *host) reissue(ctx context.Context) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, query := range []string{
		"INSERT INTO letsencrypt_log (certname, status, date, message) SELECT certname, 'processing', datetime('now'), 'order for ' || domain_name FROM letsencrypt_ssl",
		"INSERT INTO letsencrypt_log (certname, status, date, message) SELECT certname, 'ok', datetime('now'), 'certificate for ' || domain_name || ' issued' FROM letsencrypt_ssl",
		"UPDATE letsencrypt_ssl SET time_started = datetime('now')",
	} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// await waits until the agent has read its panel.
func (h *host) await(ctx context.Context) error {
	for at := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, read := h.reader.after(at); read || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// processing is how many certificates are being ordered when an alert is due.
const processing = 150

// change changes every panel once, each at another moment of an agent's interval, and
// waits for the alerts.
func (f *town) change(ctx context.Context) (alerts, read []float64, err error) {
	order := make([]int, len(f.agents))
	for i := range order {
		order[i] = i
	}
	at := func(i int) time.Duration { return spread(7*i, 2*f.every) } // not beside its agent's phase, nor more than a chat may get
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(at(a), at(b)) })
	begun, changed := time.Now(), make([]time.Time, len(f.agents))
	for _, i := range order {
		time.Sleep(time.Until(begun.Add(at(i))))
		if _, err := f.agents[i].db.ExecContext(ctx, "UPDATE letsencrypt_ssl SET processing = 'on' WHERE id <= ?", processing); err != nil {
			return nil, nil, err
		}
		changed[i] = time.Now()
	}
	for limit := time.Now().Add(3 * f.every).Add(time.Minute); len(alerts) < len(f.agents); time.Sleep(500 * time.Millisecond) {
		alerts, read = nil, nil
		messages := f.telegram.Messages(chat)
		for i, h := range f.agents {
			for _, m := range messages {
				if m.At.After(changed[i]) && strings.Contains(m.Text, h.name) {
					polled, _ := h.reader.after(changed[i])
					alerts, read = append(alerts, m.At.Sub(changed[i]).Seconds()), append(read, m.At.Sub(polled).Seconds())
					break
				}
			}
		}
		if time.Now().After(limit) {
			return nil, nil, fmt.Errorf("of %d changes %d were told", len(f.agents), len(alerts))
		}
	}
	slices.Sort(alerts)
	slices.Sort(read)
	return alerts, read, nil
}
