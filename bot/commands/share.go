package commands

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/bot/share"
	"domovoy/i18n"
	"domovoy/reports/compose"
	"domovoy/reports/files"
	"domovoy/reports/journal"
)

// ShareData is the JSON of share check.
type ShareData struct {
	Share SharedData `json:"share"`
}

// SharesData is the JSON of share list.
type SharesData struct {
	Shares []SharedData `json:"shares"`
}

// RevokedData is the JSON of share revoke.
type RevokedData struct {
	Revoked SharedData `json:"revoked"`
}

// SharedData is one page for a customer.
type SharedData struct {
	ID      int64     `json:"id"`
	Domain  string    `json:"domain"`
	URL     string    `json:"url"`
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// shares makes pages for customers.
type shares struct {
	sites  sites
	people *people.Directory
	pages  *share.Pages // nil: there are none
}

// share answers "share check DOMAIN [ru|en]", "share list" and "share revoke ID".
func (s shares) share(ctx context.Context, r bot.Request) (bot.Answer, error) {
	what, rest := "", r.Words
	if len(rest) > 0 {
		what, rest = rest[0], rest[1:]
	}
	if s.pages == nil || !s.pages.IsOn() && what != "list" && what != "revoke" {
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.share"}
	}
	r.Words = rest
	switch what {
	case "check":
		return s.check(ctx, r)
	case "list":
		return s.list(ctx, r)
	case "revoke":
		return s.revoke(ctx, r)
	}
	return bot.Answer{}, bot.Usage("share", "usage.share", what)
}

// check looks at a site and makes the page of what was found.
func (s shares) check(ctx context.Context, r bot.Request) (bot.Answer, error) {
	w := r.Writer()
	r.Words = slices.DeleteFunc(slices.Clone(r.Words), func(word string) bool {
		language := strings.ToLower(word)
		is := slices.Contains(s.people.Bundle.Languages(), language)
		if is {
			w.Locale = s.people.In(language)
		}
		return is
	})
	site, err := s.sites.find(ctx, "share check", r)
	if err != nil {
		return bot.Answer{}, err
	}
	if site, err = s.sites.prober.Site(ctx, site, r); err != nil {
		return bot.Answer{}, err
	}
	w.Now = time.Now() // when it was checked
	made := s.pages.Reserve(w.Now)
	made.Domain, made.Server, made.Person, made.Who = site.Subject.Site.Name, site.Server.Name, r.Person, cmp.Or(r.Name, r.Person)
	page := compose.Customer(w, site, made.Expires)
	var html bytes.Buffer
	if err := files.CustomerHTML(&html, page); err != nil {
		return bot.Answer{}, err
	}
	if made, err = s.pages.Publish(ctx, made, html.Bytes()); err != nil {
		return bot.Answer{}, err
	}
	return bot.Answer{Message: compose.Shared(r.Writer(), s.shown(made), page), Data: ShareData{s.data(made)},
		Act: bot.NewAct("share", fmt.Sprintf("check %s %d", made.Domain, made.ID), bot.ResultOK)}, nil
}

// list answers which pages are there.
func (s shares) list(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if err := noWords("share list", r); err != nil {
		return bot.Answer{}, err
	}
	all, err := s.pages.List(ctx)
	if err != nil {
		return bot.Answer{}, err
	}
	shown, data := []compose.SharedPage{}, SharesData{Shares: []SharedData{}}
	for _, x := range all {
		shown, data.Shares = append(shown, s.shown(x)), append(data.Shares, s.data(x))
	}
	return bot.Answer{Message: compose.SharedList(r.Writer(), shown), Data: data}, nil
}

// revoke deletes a page.
func (s shares) revoke(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) != 1 {
		return bot.Answer{}, bot.Usage("share", "usage.share", "")
	}
	id, err := number("share", r.Words[0])
	if err != nil {
		return bot.Answer{}, err
	}
	gone, ok, err := s.pages.Find(ctx, id)
	if err != nil {
		return bot.Answer{}, err
	}
	if !ok {
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.shared", Args: i18n.Args{"ID": id}}
	}
	if err := s.pages.Revoke(ctx, gone, r.Now); err != nil {
		return bot.Answer{}, err
	}
	return bot.Answer{Message: compose.Unshared(r.Writer(), s.shown(gone)), Data: RevokedData{s.data(gone)},
		Act: bot.NewAct("share", fmt.Sprintf("revoke %d %s", id, gone.Domain), bot.ResultOK)}, nil
}

func (s shares) shown(x journal.Share) compose.SharedPage {
	return compose.SharedPage{ID: x.ID, Domain: x.Domain, Link: s.pages.Link(x), By: x.Who, Expires: x.Expires}
}

func (s shares) data(x journal.Share) SharedData {
	return SharedData{ID: x.ID, Domain: x.Domain, URL: s.pages.Link(x), By: x.Who, Created: x.Created, Expires: x.Expires}
}
