package share_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"domovoy/bot/share"
	"domovoy/reports/journal"
)

// served is a folder of pages with the journal that knows them.
type served struct {
	*testing.T
	folder, state string
}

func serve(t *testing.T) *served {
	t.Helper()
	dir := t.TempDir()
	s := &served{t, filepath.Join(dir, "c"), filepath.Join(dir, "state.db")}
	s.must(os.Mkdir(s.folder, 0o755))
	return s
}

func (s *served) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// pages begins the program, which the test's end ends.
func (s *served) pages() *share.Pages {
	s.Helper()
	j, err := journal.Open(s.Context(), s.state)
	s.must(err)
	s.Cleanup(func() { _ = j.Close() })
	return share.New(share.Config{Folder: s.folder, URL: "https://status.example.com/c/", Keep: 7 * 24 * time.Hour}, j, slog.New(slog.DiscardHandler))
}

// files lists what is in the folder.
func (s *served) files() (names []string) {
	s.Helper()
	entries, err := os.ReadDir(s.folder)
	s.must(err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// now is when pages are made.
func now() time.Time { return time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC) }

// A page has a name of 128 random bits and can be read by the web server, whatever the
// umask is. It is over after its days, also for a program that begins later, and
// nothing else in the folder is touched.
func TestAPageIsThereForItsDays(t *testing.T) {
	s := serve(t)
	s.must(os.WriteFile(filepath.Join(s.folder, "index.html"), []byte("theirs"), 0o600))
	old := syscall.Umask(0o077)
	t.Cleanup(func() { syscall.Umask(old) })
	p := s.pages()
	made, err := p.Publish(t.Context(), p.Reserve(now()), []byte("<!doctype html>"))
	s.must(err)
	link := regexp.MustCompile(`^https://status\.example\.com/c/([a-z2-7]{26}\.html)$`).FindStringSubmatch(p.Link(made))
	if link == nil {
		t.Fatalf("the link is %s", p.Link(made))
	}
	info, err := os.Stat(filepath.Join(s.folder, link[1]))
	s.must(err)
	if info.Mode() != 0o644 {
		t.Errorf("its mode is %v", info.Mode())
	}
	if again := p.Reserve(now()); again.Name == made.Name {
		t.Error("two pages have one name")
	}
	s.must(p.Expire(t.Context(), now().AddDate(0, 0, 6)))
	if n := len(s.files()); n != 2 {
		t.Errorf("a day before its end: %v", s.files())
	}
	later := s.pages()
	s.must(later.Expire(t.Context(), now().AddDate(0, 0, 7)))
	if got := s.files(); len(got) != 1 || got[0] != "index.html" {
		t.Errorf("after its days: %v", got)
	}
	all, err := later.List(t.Context())
	s.must(err)
	if len(all) != 0 {
		t.Errorf("it is still listed: %+v", all)
	}
}

// What another put in the way is neither followed nor written to.
func TestALinkInTheWay(t *testing.T) {
	s := serve(t)
	p := s.pages()
	outside := filepath.Join(filepath.Dir(s.folder), "theirs")
	s.must(os.WriteFile(outside, []byte("theirs"), 0o600))
	made := p.Reserve(now())
	s.must(os.Symlink(outside, filepath.Join(s.folder, "."+made.Name+".part")))
	if _, err := p.Publish(t.Context(), made, []byte("page")); err == nil {
		t.Error("a link was followed")
	}
	if text, _ := os.ReadFile(outside); string(text) != "theirs" {
		t.Errorf("the file outside has %q", text)
	}
	if len(s.files()) != 0 {
		t.Errorf("left: %v", s.files())
	}
	made = p.Reserve(now())
	s.must(os.Symlink(outside, filepath.Join(s.folder, made.Name+".html")))
	_, err := p.Publish(t.Context(), made, []byte("page"))
	s.must(err)
	if info, err := os.Lstat(filepath.Join(s.folder, made.Name+".html")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the page is %v, %v", info, err)
	}
	if text, _ := os.ReadFile(outside); string(text) != "theirs" {
		t.Errorf("the file outside has %q", text)
	}
}

// A page that cannot be deleted stays listed and is tried again; one whose folder is
// gone is over; one that could not be written is not listed.
func TestAPageThatCannotBeDeleted(t *testing.T) {
	s := serve(t)
	p := s.pages()
	made, err := p.Publish(t.Context(), p.Reserve(now()), []byte("page"))
	s.must(err)
	page := filepath.Join(s.folder, made.Name+".html")
	s.must(os.Remove(page))
	s.must(os.MkdirAll(filepath.Join(page, "in"), 0o755))
	if err := p.Revoke(t.Context(), made, now()); err == nil {
		t.Error("a folder in its place was deleted")
	}
	if _, ok, err := p.Find(t.Context(), made.ID); !ok || err != nil {
		t.Errorf("it is not listed any more, %v", err)
	}
	s.must(os.RemoveAll(s.folder))
	s.must(p.Expire(t.Context(), now().AddDate(0, 0, 8)))
	if _, ok, _ := p.Find(t.Context(), made.ID); ok {
		t.Error("it is listed though its folder is gone")
	}
	if _, err := p.Publish(t.Context(), p.Reserve(now()), []byte("page")); err == nil {
		t.Error("a page was written into a folder that is not there")
	}
	if all, err := p.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("listed: %+v, %v", all, err)
	}
	if _, err := os.Stat(s.folder); !os.IsNotExist(err) {
		t.Errorf("the folder: %v", err)
	}
}
