package enginetest

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Program is an engine that can be ended and begun again, over a panel that can
// be taken away.
type Program struct {
	T      *testing.T
	Panel  *lab.Panel
	Folder string
	Policy reports.Policy

	Managers []bot.Manager

	Journal *journal.Journal
	Engine  *engine.Engine
	reader  *ispmanager.Panel
}

// NewProgram makes one over a panel with certificates for each count: 1 to 299 for what
// is issued or given up, 301 to 360 with neither name nor domain for what is
// overdue, and f1 to f60 that the log may speak of.
func NewProgram(t *testing.T) *Program {
	t.Helper()
	p := &Program{T: t, Folder: t.TempDir(), Policy: reports.Policy{ResolveAfter: 2, Remind: 4 * time.Hour,
		Thresholds: map[checks.Code]reports.Threshold{checks.PanelProcessing: {Warn: 60, Critical: 100}, checks.PanelFailed: {Critical: 50},
			checks.PanelFailing: {Critical: 21}, checks.PanelOverdue: {Critical: 20}}}}
	var err error
	p.Panel, err = lab.NewPanel(filepath.Join(p.Folder, "panel.db"), lab.WithZone(time.UTC))
	p.Must(err)
	p.Must(p.Panel.Transaction(func() error {
		for i := range 360 {
			c := lab.Certificate{Name: fmt.Sprintf("c%d", i+1), Domain: fmt.Sprintf("c%d.example", i+1)}
			if i >= 300 {
				c = lab.Certificate{}
			}
			if _, err := p.Panel.AddCertificate(c); err != nil {
				return err
			}
		}
		return nil
	}))
	p.Begin()
	t.Cleanup(func() { p.End(); p.Must(p.Panel.Close()) })
	return p
}

func (p *Program) Must(err error) {
	p.T.Helper()
	if err != nil {
		p.T.Fatal(err)
	}
}

func (p *Program) Begin() {
	p.T.Helper()
	var err error
	p.Journal, err = journal.Open(p.T.Context(), filepath.Join(p.Folder, "state.db"))
	p.Must(err)
	p.reader = ispmanager.New(ispmanager.Config{Name: "isp1", Database: p.Panel.Path()})
	who := bot.Audience{Bundle: Bundle(p.T), Zone: time.UTC, Language: "en",
		Chats: []bot.Chat{{To: bot.Address{Messenger: "wall", Chat: "ops"}, Receives: []string{bot.Alerts}},
			{To: bot.Address{Messenger: "wall", Chat: "boss"}, Receives: []string{bot.Daily, bot.Weekly}}}, Managers: p.Managers}
	p.Engine = New(p.T, engine.Config{Journal: p.Journal, Policy: p.Policy, Audience: who, Reports: filepath.Join(p.Folder, "reports"),
		Sources: []watch.Source{{Name: "isp1", Reader: p.reader}}, Rules: watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 0.1}})
}

func (p *Program) End() { p.T.Helper(); p.Must(errors.Join(p.reader.Close(), p.Journal.Close())) }

// Away takes the panel's database away, and back brings it.
func (p *Program) Away() { p.T.Helper(); p.Must(os.Rename(p.Panel.Path(), p.Panel.Path()+".away")) }
func (p *Program) Back() { p.T.Helper(); p.Must(os.Rename(p.Panel.Path()+".away", p.Panel.Path())) }

// Counts has the panel show these from now on; of failing so many more.
func (p *Program) Counts(now time.Time, processing, failed, failing, overdue int) {
	p.T.Helper()
	old, fresh := now.AddDate(0, 0, -200).Format(time.DateTime), now.Format(time.DateTime)
	p.Must(p.Panel.Transaction(func() error {
		err := errors.Join(
			p.Panel.Exec(`UPDATE letsencrypt_ssl SET processing = iif(id <= ?, 'on', 'off'), failed = iif(id > 299 - ?, 'on', 'off') WHERE id < 300`, processing, failed),
			p.Panel.Exec(`UPDATE letsencrypt_ssl SET time_started = iif(id <= 300 + ?, ?, ?) WHERE id > 300`, overdue, old, fresh))
		for i := range 2 * failing {
			_, failed := p.Panel.AddAttempt(lab.Attempt{Certificate: fmt.Sprintf("f%d", i/2+1), Status: lab.StatusFailed, At: now.Add(-time.Minute)})
			err = errors.Join(err, failed)
		}
		return err
	}))
}

// Disk changes the state's file behind the program's back.
func (p *Program) Disk(query string) {
	p.T.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.Folder, "state.db"))
	p.Must(err)
	defer db.Close()
	_, err = db.ExecContext(p.T.Context(), query)
	p.Must(err)
}
