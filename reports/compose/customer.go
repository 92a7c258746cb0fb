package compose

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// CustomerPage is what a customer is told of a site: in their words, with nothing of
// panels, paths, other customers or raw errors.
type CustomerPage struct {
	Language string
	State    string // good, wait, act or unknown: what it is to them
	Subject  string // what the page is about
	Answer   string // the one sentence
	Wrong    string // what is wrong; may be empty
	Do       string // what the customer does; empty: nothing
	Records  []CustomerRecord
	Notes    []string // what else there is to know
	Headings CustomerHeadings
	Checked  string // when
	Until    string // how long the page is there
}

// CustomerHeadings are the headings of the page.
type CustomerHeadings struct{ Wrong, Do, Records, Name, Now, Right string }

// CustomerRecord is a record in DNS as it is, and as it should be.
type CustomerRecord struct{ Name, Now, Right string }

// Customer words the page about a site that was just checked; it is there until a
// time.
func Customer(w Writer, s reports.Site, until time.Time) CustomerPage {
	w.Secrets = false
	v := s.Verdict()
	cause := s.Cause(v)
	name := checks.ToUnicode(s.Subject.Site.Name)
	worded := func(key string) string { return w.customerText(key, name, cause.Args) }
	p := CustomerPage{
		Language: w.Language(), Subject: worded("customer.subject"),
		Headings: CustomerHeadings{worded("customer.heading.wrong"), worded("customer.heading.do"), worded("customer.heading.records"),
			worded("customer.heading.name"), worded("customer.heading.now"), worded("customer.heading.right")},
		Until: w.Say("customer.until", i18n.Args{"Date": w.date(until)}),
	}
	kind := customerKind(s, v, cause)
	// The page is read on other days: its date is none of "today".
	at := i18n.Args{"Date": w.date(w.Now), "Clock": w.Clock(w.Now), "Zone": w.Local(w.Now).Format("MST")}
	if p.Checked = w.Say("customer.checked", at); kind == "unknown" {
		p.Checked = w.Say("customer.tried", at)
	}
	p.State = map[string]string{"ok": "good", "act": "act", "unknown": "unknown"}[kind]
	if p.State == "" {
		p.State = "wait"
	}
	p.Answer = worded("customer.kind." + kind + ".answer")
	if kind != "act" {
		p.Wrong = worded("customer.kind." + kind + ".wrong")
	} else {
		about := customerTopic(w, cause)
		p.Wrong, p.Do = worded("customer."+about+".wrong"), worded("customer."+about+".do")
		p.Records = customerRecords(name, cause)
	}
	for _, f := range s.Findings() {
		soon := f.Severity > checks.Info // a registration that lasts for long is no news
		if f.Code == checks.DNSEnding && soon && f.Who() == checks.Customer && cause.Code != checks.DNSUndelegated && cause.Code != checks.DNSUnregistered {
			p.Notes = append(p.Notes, w.customerText("customer.ending", name, f.Args))
		}
	}
	return p
}

// customerKind is what a verdict is to the customer: they act, or they need not.
func customerKind(s reports.Site, v checks.Verdict, cause checks.Finding) string {
	switch {
	case v.Code == checks.OK && (s.Server.Trouble != "" || !slices.Contains(s.Server.Probes[s.Subject.Site.Name].Checks, checks.NamesCheck)), v.Code == checks.Unknown:
		return "unknown"
	case v.Code == checks.OK:
		return "ok"
	case s.Subject.Site.Active == checks.Off:
		return "off"
	case cause.Who() == checks.Customer:
		return "act"
	}
	return string(cause.Who())
}

// customerTopic is the last part of the keys of the texts about a cause: its code,
// else the code's family, else what is true of any. A name that the registrar parked
// has to be paid for, wherever it points; a proxy's own status says what is wrong there.
func customerTopic(w Writer, f checks.Finding) string {
	if isParked(f) {
		return string(checks.DNSUndelegated)
	}
	if status, _ := f.Args["status"].(int); f.Code == checks.DNSProxied && f.Args["proxy"] != nil {
		switch status {
		case 525, 526: // https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
			return "dns.proxied.strict"
		case 523, 530:
			return "dns.proxied.origin"
		}
	}
	family, _, _ := strings.Cut(string(f.Code), ".")
	for _, topic := range []string{string(f.Code), family} {
		if w.Has("customer." + topic + ".wrong") {
			return topic
		}
	}
	return "other"
}

// customerText says a text with those arguments of a finding that are public: what DNS
// and the registry tell anybody, and our addresses.
func (w Writer) customerText(key, name string, args checks.Args) string {
	public := checks.Args{}
	maps.Copy(public, args)
	maps.DeleteFunc(public, func(name string, _ any) bool {
		return !slices.Contains([]string{"addresses", "expected", "others", "domain", "paid_till", "over", "free_date", "registrar", "proxy", "ca"}, name)
	})
	words := w.args(public)
	words["Name"] = name
	expected, _ := args["expected"].(string)
	words["V6"] = strings.Contains(expected, ":")
	return w.Say(key, words)
}

// customerRecords are the addresses of a name that points elsewhere.
func customerRecords(name string, f checks.Finding) []CustomerRecord {
	now, _ := f.Args["addresses"].(string)
	right, _ := f.Args["expected"].(string)
	if f.Code != checks.DNSElsewhere || isParked(f) || now == "" || right == "" {
		return nil
	}
	return []CustomerRecord{{name, now, right}}
}

// isParked reports whether a name is on the parking servers of its registrar.
func isParked(f checks.Finding) bool {
	parking, _ := f.Args["parking"].(string)
	return parking != ""
}

// SharedPage is a page for a customer, as those who made it see it.
type SharedPage struct {
	ID      int64
	Domain  string
	Link    string
	By      string // who made it
	Expires time.Time
}

// Shared answers with the link to a page that was made.
func Shared(w Writer, s SharedPage, page CustomerPage) reports.Message {
	m := w.message(reports.Plain, w.Say("share.title", i18n.Args{"Name": checks.Show(s.Domain)}))
	m.Sections = []reports.Section{{Text: s.Link}, {Text: w.Say("share.says", i18n.Args{"Answer": page.Answer})},
		{Text: w.Say("share.until", i18n.Args{"Date": w.dateTime(s.Expires), "ID": s.ID})}}
	m.Actions = []reports.Action{{Label: w.Say("share.open"), URL: s.Link}, w.revoke(s)}
	return m
}

// SharedList lists the pages that are there.
func SharedList(w Writer, pages []SharedPage) reports.Message {
	if len(pages) == 0 {
		return w.message(reports.Plain, w.Say("share.none"))
	}
	m := w.message(reports.Plain, w.Say("share.list", i18n.Args{"N": len(pages)}))
	var items []reports.Item
	for _, s := range pages {
		items = append(items, reports.Item{Text: w.Say("share.item", i18n.Args{"ID": s.ID, "Name": checks.Show(s.Domain), "Link": s.Link}),
			Note: w.Say("share.note", i18n.Args{"By": s.By, "Date": w.dateTime(s.Expires)})})
		m.Actions = append(m.Actions, w.revoke(s))
	}
	m.Sections = []reports.Section{{Items: items}}
	return m
}

// Unshared says that a page is gone.
func Unshared(w Writer, s SharedPage) reports.Message {
	return w.message(reports.Plain, w.Say("share.gone", i18n.Args{"ID": s.ID, "Name": checks.Show(s.Domain)}))
}

func (w Writer) revoke(s SharedPage) reports.Action {
	return reports.Action{Label: w.Say("share.revoke", i18n.Args{"ID": s.ID}), Command: "share revoke " + strconv.FormatInt(s.ID, 10)}
}

// ShareAction is the button that makes a page about a site.
func ShareAction(w Writer, domain string) reports.Action {
	return reports.Action{Label: w.Say("action.share"), Command: "share check " + domain}
}
