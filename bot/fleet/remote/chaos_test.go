package remote_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"domovoy/bot/engine/enginetest"
	"domovoy/bot/fleet/agent"
	"domovoy/checks"
	"domovoy/reports/journal"
)

// The agent is killed a hundred times in the middle of its work, the hub twenty times,
// and twice the hub loses all that it has. What the bot knows at the end is what the
// panel has, and every attempt was counted once.
func TestKilledAndLost(t *testing.T) {
	rng := rand.New(rand.NewPCG(16, 1))
	h, panel, folder := newHub(t), filled(), t.TempDir()
	j := enginetest.Journal(t)
	far := h.fleet(j).Panel("isp1")
	row := 0
	work := func() {
		panel.Change(func(s *checks.Snapshot) {
			s.Sites = append([]checks.Site(nil), s.Sites...)
			switch i := rng.IntN(len(s.Sites)); rng.IntN(3) {
			case 0:
				s.Sites = append(s.Sites[:i], s.Sites[i+1:]...)
			case 1:
				id := s.Sites[len(s.Sites)-1].ID + 1
				s.Sites = append(s.Sites, checks.Site{Server: "isp1", ID: id, Name: fmt.Sprintf("new%d.ru", id), Active: checks.On})
			default:
				s.Sites[i].Redirect = checks.On - s.Sites[i].Redirect%2
			}
		})
		for range rng.IntN(3) {
			row++
			panel.Log(checks.Attempt{Server: "isp1", Certificate: fmt.Sprintf("c%d", row), Outcome: checks.OutcomeFailed, Status: "failed", Time: time.Now().Truncate(time.Millisecond).UTC(), Text: "text"})
		}
	}
	over := false // what can be stored is stored from then on
	taken := func() {
		_, _, err := far.Poll(t.Context())
		if err != nil {
			return
		}
		from, err := j.NextRow(t.Context(), "isp1", time.Now().Add(-30*time.Minute))
		h.must(err)
		if newest, _ := far.Newest(t.Context()); newest < from-1 {
			from = 0
		}
		_ = far.Attempts(t.Context(), from, func(batch []checks.Attempt) error { // the hub may be away: the next time
			if !over && rng.IntN(4) == 0 {
				return context.DeadlineExceeded // the bot could not store it
			}
			_, err := j.AddAttempts(t.Context(), "isp1", batch)
			return err
		})
	}
	for n := range 100 {
		work()
		a, store := h.agent(folder, agent.Panel{Name: "isp1", Reader: panel})
		ctx, kill := context.WithTimeout(t.Context(), time.Duration(rng.IntN(8_000))*time.Microsecond)
		_ = a.Read(ctx, time.Now()) // killed in the middle, mostly
		kill()
		h.must(store.Close())
		if n%5 == 4 {
			h.kill()
			if n%50 == 49 {
				h.folder = t.TempDir()
			}
			h.start()
		}
		taken()
	}
	a, store := h.agent(folder, agent.Panel{Name: "isp1", Reader: panel})
	defer store.Close()
	over = true
	near, _, _ := panel.Poll(t.Context())
	want := attempts(t, panel)
	var last string // what was short
	defer func() {
		if t.Failed() {
			t.Log(last)
		}
	}()
	eventually(t, "the bot has what the panel has", func() bool {
		sent := a.Read(t.Context(), time.Now())
		s, _, err := far.Poll(t.Context())
		if err != nil || !reflect.DeepEqual(facts(s), facts(near)) {
			last = fmt.Sprintf("the agent: %v; the bot: %v, %d of %d sites", sent, err, len(s.Sites), len(near.Sites))
			return false
		}
		taken()
		is := len(stored(t, j))
		last = fmt.Sprintf("the agent: %v; %d of %d attempts", sent, is, len(want))
		return is == len(want)
	})
	got := stored(t, j)
	for _, x := range want {
		if is, ok := got[x.Row]; !ok || is.Certificate != x.Certificate || !is.Time.Equal(x.Time) {
			t.Errorf("row %d is %v and not %v", x.Row, is, x)
		}
	}
}

// stored are the attempts that the journal has.
func stored(t testing.TB, j *journal.Journal) map[int64]checks.Attempt {
	t.Helper()
	all := map[int64]checks.Attempt{}
	var names []string
	for n := range 400 {
		names = append(names, fmt.Sprintf("c%d", n), fmt.Sprintf("site%d.ru_le1", n))
	}
	history, err := j.AttemptsOf(t.Context(), "isp1", names, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range history {
		all[a.Row] = a
	}
	return all
}
