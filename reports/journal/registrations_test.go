package journal

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// What was asked and learned of registrations is there for the next process:
// each domain as it was last kept, the questions of a day, and the refusals that
// are not over.
func TestRegistrations(t *testing.T) {
	j := openedAt(t, filepath.Join(t.TempDir(), "j.db"))
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	asked := checks.Registration{Domain: "shop.ru", Registry: "tci", Asked: now, Due: now.Add(time.Hour), Failure: checks.RegistryInterrupted}
	answered := checks.Registration{Domain: "shop.ru", Registry: "tci", Asked: now, Due: now.Add(24 * time.Hour), Looked: now, Parking: "REG.RU",
		Answer: checks.RegistryAnswer{Domain: "shop.ru", State: checks.RegistryDelegated, PaidTill: now.AddDate(0, 0, 15), Registrar: "REGRU-RU", NameServers: []string{"ns1.expired.reg.ru"}, Unverified: true, Servers: true}}
	refused := checks.Registration{Domain: "shop.su", Registry: "tci", Asked: now, Due: now.Add(time.Hour), Failure: checks.RegistryQuota, Failures: 3}
	steps := []struct {
		r   checks.Registration
		use checks.RegistryUse
	}{
		{asked, checks.RegistryUse{Registry: "old", Asked: now.Add(-26 * time.Hour)}},
		{asked, checks.RegistryUse{Registry: "tci", Asked: now}},
		{answered, checks.RegistryUse{Registry: "tci"}},
		{refused, checks.RegistryUse{Registry: "tci", Shut: now.Add(time.Hour), Patience: time.Hour}},
		{refused, checks.RegistryUse{Registry: "other", Shut: now.Add(-time.Minute), Patience: time.Hour}},
	}
	for _, s := range steps {
		if err := j.KeepRegistration(t.Context(), s.r, s.use); err != nil {
			t.Fatal(err)
		}
	}
	past, err := j.RegistryPast(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	want := checks.RegistryPast{Known: []checks.Registration{answered, refused},
		Uses: []checks.RegistryUse{{Registry: "tci", Asked: now}, {Registry: "tci", Shut: now.Add(time.Hour), Patience: time.Hour}}}
	if diff := cmp.Diff(want, past); diff != "" {
		t.Error(diff)
	}
	if err := j.Prune(t.Context(), now.AddDate(0, 0, 200)); err != nil {
		t.Fatal(err)
	}
	if past, err := j.RegistryPast(t.Context(), now); err != nil || len(past.Known)+len(past.Uses) > 0 {
		t.Errorf("left for ever: %+v, %v", past, err)
	}
}
