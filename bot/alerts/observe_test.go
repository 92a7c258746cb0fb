package alerts_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
	"domovoy/reports"
)

// observer returns an engine over a panel of the lab, with a journal of its
// own.
func observer(t *testing.T, panel *lab.Panel) *engine.Engine {
	t.Helper()
	reader := ispmanager.New(ispmanager.Config{Name: "isp1", Database: panel.Path(), Zone: panel.Zone()})
	t.Cleanup(func() { _ = reader.Close() })
	return enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 2},
		Sources: []watch.Source{{Name: "isp1", Reader: reader}}, Rules: watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 7.0 / 90}})
}

// TestSecondsGiveWhatMinutesGive changes a panel repeatedly. Comparing only the
// changes every second opens the same incidents as comparing everything each
// time.
func TestSecondsGiveWhatMinutesGive(t *testing.T) {
	panel, err := lab.NewPanel(filepath.Join(t.TempDir(), "panel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = panel.Close() })
	now := time.Now().Truncate(time.Second)
	sites := fill(t, panel, now)
	quick, thorough := observer(t, panel), observer(t, panel)
	dice := rand.New(rand.NewPCG(3, 5))
	for turn := range 50 {
		now = now.Add(time.Second)
		if turn > 0 {
			stir(t, panel, sites[dice.IntN(len(sites))], dice, now)
		}
		for _, p := range thorough.Watch.Panels() {
			p.MarkDirty(nil, true)
		}
		for _, b := range []*engine.Engine{quick, thorough} {
			if err := b.Alerts.Observe(t.Context(), now); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(standing(t, thorough), standing(t, quick), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("open after turn %d (-all compared +what changed):\n%s", turn, d)
		}
	}
}

func fill(t *testing.T, panel *lab.Panel, now time.Time) []string {
	t.Helper()
	var names []string
	for i := range 20 {
		name := fmt.Sprintf("s%d.example", i)
		_, err := panel.AddSite(lab.Site{Name: name, Owner: "client", Active: true, Secure: i%3 != 0, Certificate: name + "_le1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := panel.AddCertificate(lab.Certificate{Name: name + "_le1", Domain: name, Owner: "client", Started: now.Add(-24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// stir changes one thing about a site.
func stir(t *testing.T, panel *lab.Panel, site string, dice *rand.Rand, now time.Time) {
	t.Helper()
	var err error
	certificate := site + "_le1"
	switch dice.IntN(5) {
	case 0:
		_, err = panel.AddAttempt(lab.Attempt{Certificate: certificate, Status: lab.StatusOK, At: now})
	case 1:
		err = panel.SetActive(site, dice.IntN(2) == 0)
	case 2:
		err = panel.SetFailed(dice.IntN(2) == 0, certificate)
	default:
		_, err = panel.AddAttempt(lab.Attempt{Certificate: certificate, Status: lab.StatusFailed, At: now,
			Message: []string{"DNS problem: NXDOMAIN looking up A for " + site, "nobody knows this"}[dice.IntN(2)]})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// standing returns the open incidents by key: severity, and how often each was
// missed.
func standing(t *testing.T, b *engine.Engine) map[string]string {
	t.Helper()
	open, err := b.Journal.OpenIncidents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]string{}
	for _, i := range open {
		by[i.Finding.Key()] = fmt.Sprint(i.Finding.Severity, " missed ", i.Clear)
	}
	return by
}
