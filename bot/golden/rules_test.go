package golden

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"domovoy/reports"
)

// eachForm calls f with every message in every language as each messenger
// shows it, and with the files that come with messages.
func eachForm(t *testing.T, f func(name, form, text string)) {
	t.Helper()
	bundle := load(t)
	for name, compose := range cases() {
		for _, language := range bundle.Languages() {
			for form, text := range rendered(t, bundle, composed(t, bundle, compose, language)) {
				f(name, language+"."+form, text)
			}
		}
	}
}

func TestNothingUnfinishedIsShown(t *testing.T) {
	eachForm(t, func(name, form, text string) {
		for _, fault := range []string{"⟨", "<no value>", "%!", "0001"} {
			if strings.Contains(text, fault) {
				t.Errorf("%s.%s says %q", name, form, fault)
			}
		}
	})
}

// The link that unpauses an account is only in administrators' messages.
func TestLinkIsForAdministrators(t *testing.T) {
	shown := 0
	eachForm(t, func(name, form, text string) {
		switch has := strings.Contains(text, "jwt=ey") || strings.Contains(text, "c2VjcmV0"); {
		case has && !strings.HasSuffix(name, ".admin"):
			t.Errorf("%s.%s shows the link", name, form)
		case has:
			shown++
		}
	})
	if shown == 0 {
		t.Error("nobody sees the link")
	}
}

// tapped matches what Telegram would make a link of in running text: a URL, or a
// domain in any script.
var tapped = regexp.MustCompile(`https?://|[\p{L}\p{N}_-]+\.[\p{L}\p{M}]{2,}`)

// Names of sites are code in Telegram, so that one tap copies them and nothing becomes a
// link: a site's name may be somebody else's by now.
func TestNothingBecomesALink(t *testing.T) {
	code := regexp.MustCompile(`(?s)<(code|pre)>.*?</(code|pre)>`)
	seen := 0
	eachForm(t, func(name, form, text string) {
		if !strings.HasSuffix(form, ".telegram") {
			return
		}
		seen += len(code.FindAllString(text, -1))
		if link := tapped.FindString(code.ReplaceAllString(text, "")); link != "" {
			t.Errorf("%s.%s makes a link of %q", name, form, link)
		}
	})
	if seen < 1000 {
		t.Errorf("%d names in all messages, which cannot be all", seen)
	}
}

// The answer of check begins with the cause, and next is what to do; what it rests on
// is folded behind that, with all that others wrote.
func TestCheckBeginsWithWhatToDo(t *testing.T) {
	bundle := load(t)
	for _, some := range []map[string]message{checkCases(), causeCases(), outsideCases()} {
		for name, compose := range some {
			m := compose(writer(t, bundle, "en"))
			first := slices.IndexFunc(m.Sections, func(s reports.Section) bool { return s.Folded })
			if first < 0 {
				continue // a list, or a refusal
			}
			for _, s := range m.Sections[:first] {
				if s.Quote != "" || len(s.Items) > 0 {
					t.Errorf("%s: %q and %d items stand before the next step", name, s.Quote, len(s.Items))
				}
			}
			if slices.ContainsFunc(m.Sections[first:], func(s reports.Section) bool { return !s.Folded }) {
				t.Errorf("%s: something stands behind what is folded", name)
			}
			if next := slices.IndexFunc(m.Sections, func(s reports.Section) bool { return strings.HasPrefix(s.Text, "Next step: ") }); next > 1 {
				t.Errorf("%s: the next step is section %d", name, next+1)
			}
		}
	}
}

// believes is the command of a button that accepts a panel's data as it was shown.
var believes = regexp.MustCompile("^status believe server=[a-z0-9]+ [0-9a-f]{8}$")

// A button that carries something out, or calls people, looks dangerous, which the console's
// form does not show; no other button does.
func TestConfirmationsLookDangerous(t *testing.T) {
	bundle := load(t)
	confirmations := 0
	for name, compose := range cases() {
		for _, a := range compose(writer(t, bundle, "en")).Actions {
			confirms := strings.HasPrefix(a.Command, "confirm ") || strings.HasPrefix(a.Command, "escalate ") || believes.MatchString(a.Command)
			if a.Danger != confirms {
				t.Errorf("%s: the button %q for %q has Danger %t", name, a.Label, a.Command, a.Danger)
			}
			if confirms {
				confirmations++
			}
		}
	}
	if confirmations == 0 {
		t.Error("no message asks for a confirmation")
	}
}

// kept are the prefixes of the keys of messages. A text under them that no case
// shows is in no golden file, so that it has not been read in context.
var kept = []string{
	"alert.", "canary.", "over.", "names.", "storm.", "details.", "baseline.", "reason.", "evidence.", "trouble.", "refusal.", "usage.",
	"cancel.", "probe.", "confirm.", "audit.", "stop.", "task.", "status.", "metric.", "trend.", "check.", "looked.", "flag.", "certificate.", "issuing.", "why.", "attempt.",
	"list.", "share.", "customer.", "chart.", "daily.", "sweep.", "state.", "selftest.", "reload.", "help.", "whoami.", "lang.", "delivery.", "role.", "who.", "next.", "when.", "cause.", "code.dns.", "code.web.", "code.cert.",
	"code.ca.blocked.", "code.ca.paused.", "code.ca.rejected.", "code.ca.ratelimited.", "code.ca.dns.", "code.ca.caa.", "code.ca.unauthorized.", "code.ca.connection.", "code.ca.client.", "code.ca.tls.", "code.ca.internal.", "code.ca.remote.", "code.ca.unreachable.next",
}

func TestEveryTextIsInSomeCase(t *testing.T) {
	bundle := load(t)
	for _, language := range bundle.Languages() {
		var spoken strings.Builder
		for _, compose := range cases() {
			m := compose(writer(t, bundle, language))
			spoken.WriteString(text(m) + "\n")
			for _, f := range m.Files {
				spoken.Write(f.Data)
			}
		}
		all := spoken.String()
		for key, forms := range catalog(t, language) {
			if !slices.ContainsFunc(kept, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) || strings.HasSuffix(key, ".general") || key == "list.more" || key == "daily.chart" || key == "chart.file" {
				continue // the manual has the general texts; messengers add list.more when they shorten a message; daily.chart and chart.file name files
			}
			if !slices.ContainsFunc(forms, func(form string) bool { return said(form, all) }) {
				t.Errorf("%s.toml: no case says %s: %q", language, key, forms[0])
			}
		}
	}
}

var field = regexp.MustCompile(`\{\{[^}]*\}\}`)

// said reports whether all contains a text, whatever its arguments are. Of a
// text with branches, all has to contain each piece of each branch.
func said(text, all string) bool {
	parts := field.Split(text, -1)
	if !strings.Contains(text, "{{if") {
		return pattern(parts).MatchString(all)
	}
	return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(all, p) })
}

// pattern matches the parts of a text with anything between them.
func pattern(parts []string) *regexp.Regexp {
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile(strings.Join(parts, `[^\n]*?`))
}

// catalog returns the plural forms of each text of a language, by key.
func catalog(t *testing.T, language string) map[string][]string {
	t.Helper()
	data, err := os.ReadFile("../../i18n/" + language + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	texts := map[string][]string{}
	flatten(tree, "", texts)
	if len(texts) < 300 {
		t.Fatalf("%s.toml: %d texts, which cannot be all", language, len(texts))
	}
	return texts
}

// flatten collects the texts of nested tables. Plural categories of CLDR are
// forms of one text.
func flatten(tree map[string]any, prefix string, texts map[string][]string) {
	for name, v := range tree {
		switch v := v.(type) {
		case map[string]any:
			flatten(v, prefix+name+".", texts)
		case string:
			key := prefix + name
			if slices.Contains([]string{"one", "few", "many", "other"}, name) {
				key = strings.TrimSuffix(prefix, ".")
			}
			texts[key] = append(texts[key], v)
		default:
			panic(fmt.Sprint(name, " is no text: ", v))
		}
	}
}
