package cancel_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"domovoy/checks/lab/boulder"
	"domovoy/reports"
)

var updateStories = flag.Bool("update", false, "rewrite the stories")

// Values in a plan that are random, and what depends on them.
var (
	planID = regexp.MustCompile(`\b[0-9a-f]{4}\b`)
	head   = regexp.MustCompile(`\b[0-9a-f]{16}\b`)
)

// The chat of a cancellation: the plan with its price, people who may not press
// the button, the person who may, once, and the audit log.
func TestTheStoryOfACancellation(t *testing.T) {
	for language, said := range map[string]map[string]string{
		"en": {"one": "cancel authz shop.ru", "all": "cancel authz all", "nothing": "cancel authz nosite.example", "audit": "audit shop.ru"},
		"ru": {"one": "отмени authz shop.ru", "all": "отмени авторизации все", "nothing": "отмени authz nosite.example", "audit": "аудит shop.ru"},
	} {
		t.Run(language, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := place(t, boulder.New(boulder.Options{}), language)
				o.ca.Populate(o.known.ID, []string{"shop.ru"}, 1, boulder.Valid)
				for _, name := range []string{"shop.ru", "www.shop.ru", "xn--e1afmkfd.xn--p1ai", "blog.ru"} {
					o.ca.Populate(o.known.ID, []string{name}, 1+len(name)%2, boulder.Pending)
				}
				var urls []string
				for _, a := range o.ca.Authorizations(o.known.ID) {
					urls = append(urls, a.URL)
				}
				o.logged(urls...)
				o.bot.Watch.Panels()[0].CA.Cap = 5
				o.works()
				defer o.stop()
				s := &story{office: o}
				s.says("Olga", said["all"])
				plan := s.says("Ann", said["one"])
				s.presses("Viktor", plan)
				s.presses("Bob", plan)
				s.presses("Ann", plan)
				s.presses("Ann", plan)
				s.presses("Bob", plan)
				s.presses("Bob", plan)
				s.says("Ann", said["nothing"])
				s.says("Ann", said["audit"])
				s.compare(filepath.Join("testdata", "cancel."+language+".txtar"))
			})
		})
	}
}

// story is a chat that is recorded.
type story struct {
	*office
	told txtar.Archive
}

// ids of the people who speak.
func (s *story) id(name string) string {
	return map[string]string{"Ann": "post:1", "Bob": "post:2", "Olga": "post:3", "Viktor": "post:4"}[name]
}

func (s *story) says(name, text string) reports.Message {
	m := s.say("post:-1", s.id(name), text, 20*time.Second)
	s.add(name+": "+text, m)
	return m
}

func (s *story) presses(name string, plan reports.Message) {
	s.add(fmt.Sprintf("%s: [%s]", name, plan.Actions[0].Label), s.press("post:-1", s.id(name), plan, 20*time.Second))
}

// add records the last message of the chat after somebody wrote.
func (s *story) add(title string, m reports.Message) {
	text := texts(m) + "\n"
	for _, a := range m.Actions {
		text += "[" + a.Label + "] " + a.Command + "\n"
	}
	text = strings.ReplaceAll(text, "\n\n", "\n")
	s.told.Files = append(s.told.Files, txtar.File{Name: title, Data: []byte(head.ReplaceAllString(planID.ReplaceAllString(text, "7f3a"), "3b1c9a6d0e5f4728"))})
}

func (s *story) compare(path string) {
	s.Helper()
	got := txtar.Format(&s.told)
	if *updateStories {
		s.must(os.MkdirAll(filepath.Dir(path), 0o755))
		s.must(os.WriteFile(path, got, 0o644))
		return
	}
	want, err := os.ReadFile(path)
	s.must(err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		s.Errorf("%s (-want +got; -update writes it):\n%s", path, diff)
	}
}
