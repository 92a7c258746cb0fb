package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"domovoy/bot"
	"domovoy/bot/console"
	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/lab"
	"domovoy/checks/lab/boulder"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// The story: Domovoy has watched a panel since yesterday. On a Friday afternoon
// the support team re-issues many certificates at once.
const (
	watched       = 26 * time.Hour   // how long ago the watch began
	reissued      = 12 * time.Minute // how long ago the re-issue was
	reissuedSites = 113
	settleAfter   = 90 * time.Second // from the start, at a terminal
	seed          = 4                // of the sample; any value works
)

// stage is what the story needs.
type stage struct {
	app     *app.App
	sample  *lab.Sample
	ca      *boulder.CA
	console *console.Console
	chats   map[string]bot.Receiver
	local   *i18n.Locale
}

// play builds the stage, plays the past and answers commands.
func play(ctx context.Context, o options, bundle *i18n.Bundle, in io.Reader, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "domovoy-demo-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := newStage(ctx, o, bundle, dir, in, out)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, s.app.Close(), s.sample.Close())
		s.ca.Close()
	}()
	fmt.Fprintln(out, s.local.Say("demo.intro"))
	fmt.Fprintln(out)
	if err := s.past(ctx, time.Now()); err != nil {
		return err
	}
	fmt.Fprintln(out, s.local.Say("demo.try"))
	fmt.Fprintln(out)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	who := app.Local{User: "demo", Language: o.language}
	if !isTerminal(in) {
		return s.app.Console(ctx, who, s.console, nil)
	}
	future := make(chan error, 1)
	go func() { future <- s.future(ctx) }()
	err = s.app.Console(ctx, who, s.console, nil)
	cancel()
	return errors.Join(err, <-future)
}

// newStage builds the sample panel, the CA and the program.
func newStage(ctx context.Context, o options, bundle *i18n.Bundle, dir string, in io.Reader, out io.Writer) (*stage, error) {
	sample, err := lab.NewSample(filepath.Join(dir, "panel"), time.Now().Add(-watched), seed)
	if err != nil {
		return nil, err
	}
	authority, err := newAuthority(dir, sample.GivenUp())
	if err != nil {
		return nil, errors.Join(err, sample.Close())
	}
	alerts := config.Default[config.Alerts]()
	alerts.ResolveAfter = 1 // the demo reads the panel once after the re-issue settled
	cfg := &config.Config{
		Basics: config.Basics{Language: o.language, Timezone: time.Local, State: filepath.Join(dir, "domovoy.db")},
		Panels: []config.Panel{{
			Name: sample.Server, Database: sample.Panel.Path(), Timezone: sample.Panel.Zone(),
			Certificates: sample.Certificates.Dir(), ACME: authority.ACME,
		}},
		Diagnosis:  config.Diagnosis{Lookups: config.Lookups{LimitsFile: authority.limits}},
		Chats:      []config.Chat{{To: console.Chat(), Language: o.language, Receives: []string{bot.Alerts, bot.Daily}}},
		Thresholds: config.Default[config.Thresholds](),
		Alerts:     alerts,
	}
	a, err := app.Open(ctx, cfg, bundle, o.log)
	if err != nil {
		authority.ca.Close()
		return nil, errors.Join(err, sample.Close())
	}
	terminal := isTerminal(in) && isTerminal(out)
	c := console.New(in, out, bundle, console.Options{Language: o.language, Terminal: terminal, Colour: terminal, Folder: os.TempDir()})
	return &stage{app: a, sample: sample, ca: authority.ca, console: c, chats: map[string]bot.Receiver{console.Chat().Messenger: c},
		local: bundle.Locale(o.language, time.Local)}, nil
}

// past plays what has happened until now: the watch begins, a day with a few
// problems, the daily digest, and then the mass re-issue.
func (s *stage) past(ctx context.Context, now time.Time) error {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	unread := map[string]bot.Receiver{console.Chat().Messenger: silent{}}
	steps := []func() error{
		func() error { return s.app.Observe(ctx, ago(watched)) },
		func() error { return addHistory(ctx, s.app, now) },
		func() error { return s.sample.MassReissue(ago(20*time.Hour), 24) },
		func() error { return s.sample.Settle(ago(18*time.Hour), 0.75) },
		func() error { return s.app.Observe(ctx, ago(17*time.Hour)) },
		func() error { return s.app.Observe(ctx, ago(61*time.Minute)) },
		func() error { return s.app.Deliver(ctx, unread) }, // of yesterday
		func() error { return s.app.Observe(ctx, ago(15*time.Minute)) },
		func() error { return s.app.Deliver(ctx, unread) },
		func() error { return s.app.Digest(ctx) },
		func() error { return s.app.Deliver(ctx, s.chats) },
		func() error { return s.sample.MassReissue(ago(reissued), reissuedSites) },
		func() error { return s.app.Observe(ctx, now) },
		func() error { return s.app.Deliver(ctx, s.chats) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// future ends the story while the user types: most certificates of the re-issue
// are issued, and the bot reports that the alert is over.
func (s *stage) future(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(settleAfter):
	}
	if err := s.sample.Settle(time.Now(), 0.9); err != nil {
		return err
	}
	if err := s.app.Observe(ctx, time.Now()); err != nil {
		return err
	}
	return s.app.Deliver(ctx, s.chats)
}

// silent is a messenger that drops all messages.
type silent struct{}

func (silent) Listen(ctx context.Context, _ bot.Inbox) error { <-ctx.Done(); return nil }

func (silent) Send(context.Context, bot.Address, string, reports.Message) (string, error) {
	return "", nil
}

func (silent) Edit(context.Context, bot.Address, string, reports.Message) error { return nil }

func isTerminal(x any) bool {
	f, ok := x.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// authority is a CA in this process with the behaviour and the limits of Let's
// Encrypt. An account has some pending authorizations there.
type authority struct {
	config.ACME
	ca     *boulder.CA
	limits string // path of the file with its limits
}

// pending is the number of names with pending authorizations, two for each name.
const pending = 7

// newAuthority starts the CA. It writes the files of the panel's ACME client into
// a folder: the key of its account and its log.
func newAuthority(dir string, names []string) (a authority, err error) {
	if a.ca, err = boulder.Start(boulder.Options{}); err != nil {
		return a, fmt.Errorf("starting the CA: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return a, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return a, err
	}
	there, err := url.Parse(a.ca.Directory())
	if err != nil {
		return a, err
	}
	var log strings.Builder
	for _, u := range a.ca.Populate(a.ca.Register(key.Public()).ID, names[:min(pending, len(names))], 2, boulder.Pending) {
		fmt.Fprintf(&log, "[%s] _authz_url='%s'\n", time.Now().Format(time.UnixDate), u)
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	a.limits = file("limits.yaml")
	for name, text := range map[string]string{
		"account.key": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
		"root.pem":    string(a.ca.RootPEM()),
		"acme.log":    log.String(),
		"limits.yaml": strings.ReplaceAll(budget.Text(), "acme-v02.api.letsencrypt.org", there.Hostname()),
	} {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			return a, err
		}
	}
	a.ACME = config.Default[config.ACME]()
	a.Directory, a.CAFile, a.AccountKeyFile, a.Logs = a.ca.Directory(), file("root.pem"), file("account.key"), []string{file("acme.log")}
	return a, nil
}

// historyDays is how far back the demo's reports go: a chart of twelve weeks, and
// the week before it.
const historyDays = 13 * 7

// addHistory gives the panel a history, a snapshot for each midnight. Present
// problems began on some day, and some healthy sites had problems before.
func addHistory(ctx context.Context, a *app.App, now time.Time) error {
	snapshots, err := a.Standings(ctx)
	if err != nil {
		return err
	}
	for back := historyDays; back >= 0; back-- {
		at := time.Date(now.Year(), now.Month(), now.Day()-back, 0, 0, 0, 0, now.Location())
		for _, s := range snapshots {
			if err := a.Remember(ctx, snapshotBefore(s, at, back)); err != nil {
				return err
			}
		}
	}
	return nil
}

// snapshotBefore returns the snapshot of a midnight, back days ago.
func snapshotBefore(s journal.Snapshot, at time.Time, back int) journal.Snapshot {
	s.At = at
	was := make([]reports.SiteState, len(s.States))
	for i, x := range s.States {
		was[i] = stateBefore(x, at, back)
	}
	s.States = was
	return s
}

// stateBefore returns the state of a site at a midnight. It depends only on the
// name of the site, so that each run of the demo is the same.
func stateBefore(x reports.SiteState, at time.Time, back int) reports.SiteState {
	n := hash(x.Site)
	logged := !x.Since.IsZero() && at.AddDate(0, 0, back-1).After(x.Since) // not only since the watch began
	switch began, lasted := int(n%(2*historyDays)), 1+int(n/7%40); {
	case x.Severity >= checks.Warning && (logged && x.Since.After(at) || !logged && began < back):
		x.Code, x.Severity = checks.OK, checks.Healthy
	case x.Code == checks.OK && n%9 == 0 && began >= back && began-lasted < back && began > lasted:
		codes := []checks.Code{checks.DNSElsewhere, checks.WebTimeout, checks.DNSNoAddress, checks.CertOverdue}
		x.Code = codes[n/11%uint32(len(codes))]
		x.Severity = x.Code.Severity()
	}
	return x
}

// hash returns the same number for the same name.
func hash(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return h.Sum32()
}
