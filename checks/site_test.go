package checks

import "testing"

func TestHasAlias(t *testing.T) {
	s := Site{Name: "shop.ru", Aliases: []string{"www.shop.ru", "*.dev.shop.ru"}}
	for name, want := range map[string]bool{
		"www.shop.ru": true, "a.dev.shop.ru": true, "a.b.dev.shop.ru": false, "dev.shop.ru": false,
		"*.dev.shop.ru": true, "shop.ru": false, "": false, "other.ru": false,
	} {
		if got := s.HasAlias(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}

func TestLacks(t *testing.T) {
	s := Snapshot{Missing: []Missing{{Table: "log"}, {Table: "site", Column: "active"}}}
	for _, tt := range []struct {
		table, column string
		want          bool
	}{{"log", "date", true}, {"site", "active", true}, {"site", "name", false}, {"cert", "active", false}} {
		if got := s.Lacks(tt.table, tt.column); got != tt.want {
			t.Errorf("%s.%s: %t, want %t", tt.table, tt.column, got, tt.want)
		}
	}
	for i, want := range []string{"log", "site.active"} {
		if got := s.Missing[i].String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
