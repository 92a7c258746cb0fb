package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	botlab "domovoy/bot/lab"
)

// Ten thousand names fail at once, recover, and half of them fail again, from the
// panel's database to the servers of both messengers, which keep the real limits: no
// call is above one of them, or comes while its chat was asked to wait; a chat gets at
// most five messages in ten minutes; and what the account has to say comes within five
// seconds, whatever else waits, and although the program ends and begins meanwhile.
func TestAStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("SHORT: ten thousand sites")
	}
	synctest.Test(t, storm)
}

func storm(t *testing.T) {
	s := newStormPlay(t)
	defer s.close()
	s.until(3*time.Minute + 30*time.Second) // the panel is known

	s.phase("all fail", func() {
		s.ask(3) // both servers ask once to wait: a window that the restart must keep
		s.fail(stormSites)
		s.until(4*time.Minute + 500*time.Millisecond) // it was read at the minute, and is being told
		waiting, _, err := s.journal.Waiting(t.Context())
		if s.must(err); waiting < len(s.addresses()) {
			t.Errorf("only %d messages wait: the queue is not full", waiting)
		}
		s.end()
		s.refuse(41)
		asked := time.Now()
		s.begin() // which reads the panel
		time.Sleep(10 * time.Second)
		s.wantAccount(asked)
	})
	s.phase("all recover", func() {
		s.ask(20)
		s.recover()
	})
	s.phase("half fail again", func() {
		s.ask(20)
		s.fail(stormSites / 2)
		s.until(25*time.Minute + 500*time.Millisecond)
		s.end()
		s.begin()
	})
	s.wantLimits()
	s.wantState()
}

// phase lets something happen, and looks at what each chat got within ten minutes.
func (s *stormPlay) phase(what string, happens func()) {
	s.Helper()
	from := time.Now()
	happens()
	time.Sleep(time.Until(from.Add(10 * time.Minute)))
	for _, to := range s.addresses() {
		got := 0
		for _, m := range s.said(to) {
			if m.at.After(from) {
				got++
			}
		}
		if got == 0 || got > 5 {
			s.Errorf("%s: %s got %d messages", what, to, got)
		}
	}
	if n, _, err := s.journal.Waiting(s.Context()); err != nil || n > 0 {
		s.Errorf("%s: %d deliveries still wait after ten minutes, %v", what, n, err)
	}
}

// wantAccount looks for what the account has to say.
func (s *stormPlay) wantAccount(asked time.Time) {
	s.Helper()
	for _, to := range s.addresses() {
		late := time.Duration(-1)
		for _, m := range s.said(to) {
			if strings.Contains(m.text, "новых заказов") || strings.Contains(m.text, "new orders") {
				late = m.at.Sub(asked)
				break
			}
		}
		if late < 0 || late > 5*time.Second {
			s.Errorf("%s was told of the account after %s", to, late)
		}
	}
}

// wantLimits looks at what the servers say of the calls.
func (s *stormPlay) wantLimits() {
	s.Helper()
	for name, calls := range map[string][]botlab.Call{"Telegram": s.telegram.Calls(""), "Slack": s.slack.Calls("")} {
		refused := 0
		for _, c := range calls {
			if c.Inside {
				s.Errorf("%s: %s to %s%s at %s came inside a window", name, c.Method, c.Params["chat_id"], c.Params["channel"], c.At.Format(time.TimeOnly))
			}
			if c.Error == "" {
				continue
			}
			if refused++; c.Status != 429 || refused > s.asked {
				s.Errorf("%s refused %s to %s%s at %s: %s", name, c.Method, c.Params["chat_id"], c.Params["channel"], c.At.Format(time.TimeOnly), c.Error)
			}
		}
		if refused != s.asked {
			s.Errorf("%s asked %d times to wait, want %d", name, refused, s.asked)
		}
	}
}

// wantState looks at what the chats show at the end: the first storm as over, the
// second one as open, each with a file of its sites.
func (s *stormPlay) wantState() {
	s.Helper()
	digits := strings.NewReplacer(",", "", "\u00a0", "")
	first, second := fmt.Sprint(stormSites), fmt.Sprint(stormSites/2)
	for _, to := range s.addresses() {
		var over, open []shown
		for _, m := range s.said(to) {
			text := digits.Replace(m.text)
			switch {
			case strings.HasPrefix(text, "🟢") && strings.Contains(text, first) && m.edits > 0:
				over = append(over, m)
			case strings.HasPrefix(text, "🔴") && (strings.Contains(text, "сразу у "+second+" сайтов") || strings.Contains(text, second+" of "+first)):
				open = append(open, m)
			}
		}
		if len(over) < 2 || len(open) != 1 {
			s.Errorf("%s shows as over %+v and as open %+v", to, over, open)
		}
		if sites := s.files(to); !slices.Equal(sites, []int{stormSites, stormSites / 2}) {
			s.Errorf("%s has files of so many sites: %d", to, sites)
		}
	}
}
