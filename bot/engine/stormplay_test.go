package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/jobs"
	botlab "domovoy/bot/lab"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// The other chats that get alerts.
const (
	stormChannels = 8 // of Slack
	stormGroup    = int64(-1001234567890)
)

// stormPlay is the bot over a panel of many sites, and both messengers' servers, which
// refuse what is above the real limits.
type stormPlay struct {
	*testing.T
	folder   string
	panel    *lab.Panel
	network  *botlab.Network
	telegram *botlab.Telegram
	slack    *botlab.Slack

	journal *journal.Journal
	engine  *engine.Engine
	began   time.Time
	end     func() // ends the program
	asked   int    // how often each messenger asked to wait
}

// shown is a message as a chat shows it.
type shown struct {
	at    time.Time
	text  string
	edits int
}

func (s *stormPlay) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func newStormPlay(t *testing.T) *stormPlay {
	t.Helper()
	s := &stormPlay{T: t, began: time.Now(), folder: t.TempDir(), network: botlab.NewNetwork()}
	var err error
	s.telegram, err = botlab.NewTelegram(botlab.TelegramOptions{Network: s.network, Strict: true})
	s.must(err)
	s.slack, err = botlab.NewSlack(botlab.SlackOptions{Network: s.network, Strict: true})
	s.must(err)
	s.panel, err = lab.NewPanel(filepath.Join(s.folder, "panel.db"), lab.WithZone(time.UTC))
	s.must(err)
	s.must(s.panel.Transaction(func() error {
		for n := range stormSites {
			name, owner := fmt.Sprintf("site%d.example", n), fmt.Sprint("client", n%17)
			_, err := s.panel.AddSite(lab.Site{Name: name, Owner: owner, Active: true, Secure: true, Certificate: name + "_le1"})
			if err != nil {
				return err
			}
			if _, err := s.panel.AddCertificate(lab.Certificate{Name: name + "_le1", Domain: name, Owner: owner, Started: time.Now().AddDate(0, 0, -30)}); err != nil {
				return err
			}
		}
		return nil
	}))
	for n := range stormPeople {
		s.telegram.AddChat(botlab.Chat{ID: int64(n + 1), Type: "private"})
	}
	s.telegram.AddTopic(stormGroup, 7)
	for n := range stormChannels {
		s.slack.AddChannel(botlab.Channel{ID: fmt.Sprint("C", n+1)})
	}
	s.begin()
	return s
}

// addresses of the chats that get alerts, a group with one of its topics first.
func (s *stormPlay) addresses() []string {
	all := []string{fmt.Sprint("telegram:", stormGroup), fmt.Sprintf("telegram:%d/7", stormGroup)}
	for n := range stormPeople {
		all = append(all, fmt.Sprint("telegram:", n+1))
	}
	for n := range stormChannels {
		all = append(all, fmt.Sprint("slack:C", n+1))
	}
	return all
}

// begin starts the program.
func (s *stormPlay) begin() {
	s.Helper()
	var err error
	s.journal, err = journal.Open(s.Context(), filepath.Join(s.folder, "state.db"))
	s.must(err)
	reader := ispmanager.New(ispmanager.Config{Name: "isp1", Database: s.panel.Path()})
	tg, err := telegram.New(telegram.Config{Token: s.telegram.Token, APIURL: s.telegram.URL(), Dial: s.network.Dial, Log: slog.New(slog.DiscardHandler)}, enginetest.Bundle(s))
	s.must(err)
	sl, err := slack.New(slack.Config{BotToken: s.slack.BotToken(), AppToken: s.slack.AppToken(), APIURL: s.slack.APIURL(), Dial: s.network.Dial}, enginetest.Bundle(s))
	s.must(err)
	audience := bot.Audience{}
	for n, to := range s.addresses() {
		address, err := bot.ParseAddress(to)
		s.must(err)
		audience.Chats = append(audience.Chats, bot.Chat{To: address, Language: []string{"ru", "en"}[n%2], Receives: []string{bot.Alerts}})
	}
	s.engine = enginetest.New(s, engine.Config{Journal: s.journal, Audience: audience,
		Policy: reports.Policy{ResolveAfter: 2, Remind: 4 * time.Hour, Thresholds: map[checks.Code]reports.Threshold{
			checks.PanelProcessing: {Warn: 60, Critical: 100}, checks.PanelFailed: {Critical: 50}, checks.PanelFailing: {Critical: 21}}},
		Rules:   watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 7.0 / 90},
		Sources: []watch.Source{{Name: "isp1", Reader: reader}}})
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan error)
	schedule := []jobs.Job{{Name: "panel", When: every(time.Minute), Run: func(ctx context.Context, _ time.Time) error {
		return s.engine.Alerts.Observe(ctx, time.Now())
	}}}
	go func() {
		ended <- s.engine.Run(ctx, map[string]bot.Messenger{"telegram": tg, "slack": sl}, nil, schedule)
	}()
	s.end = func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			s.Error(err)
		}
		s.must(errors.Join(reader.Close(), s.journal.Close()))
	}
}

// fail has the orders of the first so many sites fail, for three causes.
func (s *stormPlay) fail(sites int) {
	s.Helper()
	s.must(s.panel.Transaction(func() error {
		return errors.Join(s.panel.Exec(`UPDATE letsencrypt_ssl SET failed = 'on' WHERE id <= ?`, sites),
			s.panel.Exec(`INSERT INTO letsencrypt_log (certname, status, date, message) SELECT certname, 'failed', ?, CASE id % 3
				WHEN 0 THEN 'urn:ietf:params:acme:error:unauthorized :: 203.0.113.9: Invalid response from http://' || domain_name || '/.well-known/acme-challenge/x: 404'
				WHEN 1 THEN 'urn:ietf:params:acme:error:connection :: 203.0.113.9: Fetching http://' || domain_name || '/.well-known/acme-challenge/x: Timeout during connect (likely firewall problem)'
				ELSE 'urn:ietf:params:acme:error:dns :: DNS problem: SERVFAIL looking up A for ' || domain_name || ' - the domain''s nameservers may be malfunctioning'
				END FROM letsencrypt_ssl WHERE id <= ?`, time.Now().Format(time.DateTime), sites))
	}))
}

// recover has all sites get their certificates.
func (s *stormPlay) recover() {
	s.Helper()
	now := time.Now().Format(time.DateTime)
	s.must(s.panel.Transaction(func() error {
		return errors.Join(s.panel.Exec(`UPDATE letsencrypt_ssl SET failed = 'off', time_started = ?`, now),
			s.panel.Exec(`INSERT INTO letsencrypt_log (certname, status, date, message) SELECT certname, 'ok', ?, NULL FROM letsencrypt_ssl`, now))
	}))
}

// refuse has the CA refuse new orders at so many sites.
func (s *stormPlay) refuse(sites int) {
	s.Helper()
	until := time.Now().Add(time.Hour).Format(time.DateTime)
	s.must(s.panel.Exec(`INSERT INTO letsencrypt_log (certname, status, date, message) SELECT certname, 'failed', ?,
		'urn:ietf:params:acme:error:rateLimited :: too many new orders (300) from this account in the last 3h0m0s, retry after ' || ? || ' UTC: see https://letsencrypt.org/docs/rate-limits/#new-orders-per-account'
		FROM letsencrypt_ssl WHERE id <= ?`, time.Now().Format(time.DateTime), until, sites))
}

// ask has each messenger answer the next call about one chat, which has a topic in
// Telegram, with a request to wait.
func (s *stormPlay) ask(seconds int) {
	s.asked++
	fault := botlab.Fault{Kind: botlab.TooManyRequests, RetryAfter: seconds}
	fault.Chat = fmt.Sprint(stormGroup)
	s.telegram.Fail("", 1, fault)
	fault.Chat = "C1"
	s.slack.Fail("", 1, fault)
}

// until lets time pass until so long after the beginning.
func (s *stormPlay) until(since time.Duration) { time.Sleep(time.Until(s.began.Add(since))) }

// said are the messages of a chat, oldest first; in Slack without those of threads.
func (s *stormPlay) said(to string) (all []shown) {
	address, err := bot.ParseAddress(to)
	s.must(err)
	if address.Messenger == "slack" {
		for _, m := range s.slack.Messages(address.Chat) {
			if m.Thread == "" {
				all = append(all, shown{m.At, m.Body.Text + "\n" + m.Body.Read(), len(m.Edits)})
			}
		}
		return all
	}
	for _, m := range s.inTelegram(address) {
		all = append(all, shown{m.At, m.Text, len(m.Edits)})
	}
	return all
}

func (s *stormPlay) inTelegram(to bot.Address) (all []botlab.TelegramMessage) {
	chat, _ := strconv.ParseInt(to.Chat, 10, 64)
	thread, _ := strconv.Atoi(to.Thread)
	for _, m := range s.telegram.Messages(chat) {
		if m.Thread == thread {
			all = append(all, m)
		}
	}
	return all
}

// files are those of a chat, each with the number of its sites.
func (s *stormPlay) files(to string) (sites []int) {
	address, err := bot.ParseAddress(to)
	s.must(err)
	add := func(data []byte) { sites = append(sites, bytes.Count(data, []byte("\n"))-1) }
	if address.Messenger == "slack" {
		for _, f := range s.slack.Files(address.Chat) {
			add(f.Data)
		}
		return sites
	}
	for _, m := range s.inTelegram(address) {
		if m.File != nil {
			add(m.File.Data)
		}
	}
	return sites
}

// close ends all.
func (s *stormPlay) close() {
	s.end()
	s.telegram.Close()
	s.slack.Close()
	s.must(s.panel.Close())
}
