package web

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// lists says that some addresses are listed, and records the addresses it was
// asked about.
type lists struct {
	on    map[string]string
	err   error
	asked []string
}

func (l *lists) look(_ context.Context, addrs ...netip.Addr) ([]checks.Finding, error) {
	var found []checks.Finding
	for _, a := range addrs {
		l.asked = append(l.asked, a.String())
		if on := l.on[a.String()]; on != "" {
			found = append(found, checks.Finding{Name: a.String(), Code: checks.DNSBLListed, Args: checks.Args{"lists": on}})
		}
	}
	return found, l.err
}

// Sources that are listed are marked as such; a list that fails does not count
// as listing them.
func TestCameListed(t *testing.T) {
	failing := errors.New("asking the blocklist zen.example: it refuses with 127.255.255.254")
	for _, tt := range []struct {
		name   string
		log    string
		lists  *lists
		want   []string
		detail string
	}{
		{"nobody is asked", validators(3, "tok", 200), nil, nil, ""},
		{"none is listed", validators(3, "tok", 200), &lists{}, nil, ""},
		{"one is", validators(3, "tok", 200), &lists{on: map[string]string{"23.178.112.3": "zen.example, bl.example"}},
			[]string{"23.178.112.3 (zen.example, bl.example)"}, ""},
		{"the list fails", validators(3, "tok", 200), &lists{err: failing}, nil, "127.255.255.254"},
		{"one of two lists fails", validators(3, "tok", 200), &lists{on: map[string]string{"23.178.112.1": "bl.example"}, err: failing},
			[]string{"23.178.112.1 (bl.example)"}, "127.255.255.254"},
		{"a dead backend is nobody's list", validators(6, "tok", 200, 503), &lists{on: map[string]string{"23.178.112.1": "bl.example"}}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, filepath.Join(dir, "client.ru.log"), tt.log)
			opts := LogOptions{Paths: []string{dir + "/*.log"}}
			if tt.lists != nil {
				opts.Listings = NewListings(tt.lists.look)
			}
			found, err := NewAccessLogs(opts).Sources(t.Context(), name, Order{Time: failedAt, Text: remoteTimeout})
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			on, _ := found[0].Args["listed"].([]string)
			if diff := cmp.Diff(tt.want, on); diff != "" || !strings.Contains(found[0].Detail, tt.detail) {
				t.Errorf("%s\ndetail: %s", diff, found[0].Detail)
			}
		})
	}
}

// A cached address is not asked about again for hours, and one that cannot be
// on a list is never asked about.
func TestListingsRemember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, own := netip.MustParseAddr("23.178.112.1"), netip.MustParseAddr("2600:3000::1d"), netip.MustParseAddr("10.0.0.1")
		l := &lists{on: map[string]string{a.String(): "bl.example"}, err: errors.New("timeout")}
		known := NewListings(l.look)
		for _, step := range []struct {
			before func()
			asked  []string
		}{
			{nil, []string{a.String(), b.String()}}, // an error is not cached
			{func() { l.err = nil }, []string{a.String(), b.String()}},
			{nil, nil},
			{func() { time.Sleep(listedHolds - time.Second) }, nil},
			{func() { time.Sleep(time.Second) }, []string{a.String(), b.String()}},
		} {
			if step.before != nil {
				step.before()
			}
			l.asked = nil
			on, err := known.of(t.Context(), []netip.Addr{a, own, b})
			if diff := cmp.Diff(step.asked, l.asked); diff != "" || len(on) != 1 || on[0] != "23.178.112.1 (bl.example)" || !errors.Is(err, l.err) {
				t.Errorf("%v, %v\n%s", on, err, diff)
			}
		}
		for i, next := 0, a; i < 3*listedKept; i, next = i+1, next.Next() {
			if _, err := known.of(t.Context(), []netip.Addr{next}); err != nil {
				t.Fatal(err)
			}
		}
		if len(known.known) > listedKept {
			t.Errorf("%d addresses are kept", len(known.known))
		}
	})
}
