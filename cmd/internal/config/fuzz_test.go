package config

import (
	"testing"
	"time"
)

// FuzzLoad looks for a panic, for a fault without a place or a text, for a
// config with faults, and for a text that takes for ever.
func FuzzLoad(f *testing.F) {
	for _, name := range brokenConfigs(f) {
		f.Add(source(f, name))
	}
	f.Add(source(f, example))
	f.Add("&a [*a]")
	f.Add("lookups: {whois: {рф: 'a:1', ? b : c, <<: d, ru: ' ', RU: [::]}}")
	f.Add("resolvers: ['[::1]:53', '::1:53', '0.0.0.0:0']")
	f.Add("schedule: {panel: 'TZ=', daily: '@every 1ns'}")
	english, env := locale(f, "en"), labEnv(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > maxSize {
			return
		}
		began := time.Now()
		cfg, faults := load("config.yaml", []byte(text), env)
		if (cfg == nil) != (len(faults) > 0) {
			t.Fatalf("a config %v with %d faults", cfg != nil, len(faults))
		}
		if cfg != nil {
			faults = cfg.CheckRun()
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%d bytes took %s", len(text), took)
		}
		last := 0
		for i, line := range faults.Render(english) {
			if faults[i].Line < last || line == "" || faults[i].Key == "" {
				t.Errorf("fault %d is out of order or empty: %q", i, line)
			}
			last = faults[i].Line
		}
	})
}
