package ispmanager_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// On a panel that writes all the time, changes of certificates are seen at once
// and changes of sites within SitesEvery, even if nothing else is written by
// then.
func TestSitesAreReadAtTheirPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel, err := lab.NewPanel(filepath.Join(t.TempDir(), "ispmgr.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer panel.Close()
		p := ispmanager.New(ispmanager.Config{Name: "isp1", Database: panel.Path(), SitesEvery: 10 * time.Second})
		defer p.Close()
		poll := func(wantSites, wantCertificates int, wantChanged bool) {
			t.Helper()
			s, changed, err := p.Poll(t.Context())
			if err != nil || len(s.Sites) != wantSites || len(s.Certificates) != wantCertificates || changed != wantChanged {
				t.Errorf("%d sites, %d certificates, changed %t, %v; want %d, %d, %t", len(s.Sites), len(s.Certificates), changed, err,
					wantSites, wantCertificates, wantChanged)
			}
		}
		add := func(name string) {
			t.Helper()
			if _, err := panel.AddSite(lab.Site{Name: name, Active: true}); err != nil {
				t.Fatal(err)
			}
			if _, err := panel.AddCertificate(lab.Certificate{Name: name + "_le1", Domain: name, Started: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		add("a.ru")
		poll(1, 1, true)
		add("b.ru")
		poll(1, 2, true)
		poll(1, 2, false)
		time.Sleep(10 * time.Second)
		poll(2, 2, true)
		poll(2, 2, false)
	})
}
