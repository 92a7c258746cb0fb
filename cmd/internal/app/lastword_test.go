package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/state"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// ear is a receiver that hears, or refuses everything.
type ear struct {
	mu     sync.Mutex
	refuse bool
	heard  []string
}

func (e *ear) Send(_ context.Context, to bot.Address, _ string, m reports.Message) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse {
		return "", errors.New("not now")
	}
	e.heard = append(e.heard, to.String()+": "+m.Title)
	return "1", nil
}

// took returns what was heard since the last call, sorted.
func (e *ear) took() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	slices.Sort(heard)
	return heard
}

// dying is a program that ends for want of its state each time it starts.
type dying struct {
	*testing.T
	chat, mail *ear
	word       lastWord
	speaker    state.Speaker
}

func newDying(t *testing.T, places ...string) *dying {
	t.Helper()
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	d := &dying{T: t, chat: &ear{}, mail: &ear{}, word: lastWord{cfg: &config.Config{}, marks: places}}
	d.word.cfg.State = "/var/lib/domovoy/domovoy.db"
	d.speaker = state.Speaker{Receivers: map[string]bot.Receiver{"wall": d.chat, "email": d.mail}, Log: slog.New(slog.DiscardHandler),
		Audience: bot.Audience{Bundle: bundle, Language: "en", Zone: time.UTC, Chats: []bot.Chat{{To: bot.Address{Messenger: "wall", Chat: "ops"}, Receives: []string{bot.Alerts}}},
			Spare: []bot.Address{{Messenger: "email", Chat: "ops@example.com"}}}}
	return d
}

// start is one start, and returns how long it took.
func (d *dying) start() time.Duration {
	began := time.Now()
	d.word.speak(d.Context(), d.speaker, journal.FaultFull)
	return time.Since(began)
}

func (d *dying) want(what string, got []string, want ...string) {
	d.Helper()
	if !slices.Equal(got, want) {
		d.Errorf("%s: %q, want %q", what, got, want)
	}
}

const deathAt, deathBy = "wall:ops: Domovoy cannot start: the disk with the state file is full", "email:ops@example.com: Domovoy cannot start: the disk with the state file is full"

// A program that systemd starts every ten seconds says once an hour why it ends, by
// e-mail if no chat can be reached. What reached nobody is said at the next start.
func TestTheLastWordIsSaidOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDying(t, "/dev/null/mark", filepath.Join(t.TempDir(), "mark"))
		d.chat.refuse, d.mail.refuse = true, true
		d.start()
		d.want("nobody is reached", append(d.chat.took(), d.mail.took()...))
		d.mail.refuse = false
		d.start()
		d.want("e-mail works", append(d.chat.took(), d.mail.took()...), deathBy)
		d.chat.refuse = false
		for range 358 {
			time.Sleep(10 * time.Second)
			d.start()
		}
		d.want("for an hour", append(d.chat.took(), d.mail.took()...))
		for range 10 {
			time.Sleep(10 * time.Second)
			d.start()
		}
		d.want("after it", append(d.chat.took(), d.mail.took()...), deathAt)
		if !d.word.over(t.Context(), d.speaker.Log) || d.word.over(t.Context(), d.speaker.Log) {
			t.Error("that it is over is not news once")
		}
		d.start()
		d.want("again within the hour", append(d.chat.took(), d.mail.took()...))
		time.Sleep(time.Hour)
		d.start()
		d.want("an hour later", append(d.chat.took(), d.mail.took()...), deathAt)
	})
}

// Where nothing can be written the program stays an hour, so that its next start says
// nothing sooner.
func TestTheLastWordWhereNothingCanBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDying(t, "/dev/null/mark", "/dev/null/other")
		for range 3 {
			if took := d.start(); took < time.Hour || took > time.Hour+time.Minute {
				t.Errorf("it took %v", took)
			}
			d.want("once an hour", d.chat.took(), deathAt)
		}
	})
}

// A mark of somebody else, a link and a mark of the future count as none.
func TestMarksOfOthers(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	now := time.Now()
	if err := errors.Join(put(at("own"), now.Add(-time.Minute).Truncate(time.Second), marked), put(at("future"), now.Add(time.Hour), marked), os.Symlink(at("own"), at("link"))); err != nil {
		t.Fatal(err)
	}
	for name, there := range map[string]bool{"own": true, "future": false, "link": false, "none": false} {
		if last, _ := (marks{at(name)}).last(now); last.IsZero() == there {
			t.Errorf("%s: %v", name, last)
		}
	}
	if err := (marks{at("link")}).set(now, marked); err == nil {
		t.Error("a link is followed")
	}
	if os.Getuid() != 0 {
		t.Log("SKIPPED: not root, so no file belongs to somebody else")
		return
	}
	if err := os.Chown(at("own"), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if last, _ := (marks{at("own")}).last(now); !last.IsZero() {
		t.Error("somebody else's mark counts")
	}
	if err := (marks{at("own")}).set(now, marked); err == nil {
		t.Error("somebody else's mark is written")
	}
}
