package dns

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

const (
	le      = "letsencrypt.org"
	account = "https://ca.example/acct/1"
)

// set makes CAA records of "flag tag value".
func set(t testing.TB, lines ...string) []*mdns.CAA {
	t.Helper()
	var found []*mdns.CAA
	for _, line := range lines {
		rr, err := mdns.NewRR("client.ru. 60 IN CAA " + line)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, rr.(*mdns.CAA))
	}
	return found
}

// caaSet is a set of records and the CA's decision.
type caaSet struct {
	records  []string
	wildcard bool
	want     string // why issuing is forbidden; empty: allowed
}

func (s caaSet) judge(t *testing.T) {
	t.Helper()
	q := Question{CA: le, AccountURI: account, Method: "http-01", Wildcard: s.wildcard}
	if why, _ := q.forbids(set(t, s.records...)); why != s.want {
		t.Errorf("%q wildcard %v: forbids %q, want %q", s.records, s.wildcard, why, s.want)
	}
}

// TestCAASets checks the rules of RFC 8659 as Boulder implements them.
func TestCAASets(t *testing.T) {
	for _, s := range []caaSet{
		{[]string{`0 issue "letsencrypt.org"`}, false, ""},
		{[]string{`0 issue " letsencrypt.org "`}, false, ""},
		{[]string{`0 issue "letsencrypt.org;"`}, false, ""},
		{[]string{`0 issue "letsencrypt.org; "`}, false, ""},
		{[]string{`0 ISSUE "letsencrypt.org"`}, false, ""},
		{[]string{`0 issue "other.example"`, `0 issue "letsencrypt.org"`}, false, ""},
		{[]string{`0 iodef "mailto:a@client.ru"`, `0 issuemail "other.example"`}, false, ""},
		{[]string{`0 issuewild ";"`}, false, ""},
		{[]string{`0 tbs "x"`}, false, ""},
		{[]string{`128 issue "letsencrypt.org"`}, false, ""}, // critical, and known
		{[]string{`0 issue "other.example"`}, false, forbidsIssuer},
		{[]string{`0 issue ";"`}, false, forbidsIssuer},
		{[]string{`0 issue ""`}, false, forbidsIssuer},
		{[]string{`0 issue "letsencrypt.org."`}, false, forbidsForm},
		{[]string{`0 issue "LetsEncrypt.org"`}, false, forbidsForm},
		{[]string{`0 issue "www.letsencrypt.org"`}, false, forbidsForm},
		{[]string{`0 issue "https://letsencrypt.org/"`}, false, forbidsForm},
		{[]string{`0 issue "\"letsencrypt.org\""`}, false, forbidsForm},
		{[]string{`0 issue "letsencrypt.org, globalsign.com"`}, false, forbidsForm},
		{[]string{`0 issue "letsencrypt.org; nonsense"`}, false, forbidsForm},
		{[]string{`0 issue "letsencrypt.org; a_b=c"`}, false, forbidsForm},
		{[]string{`0 issue "notletsencrypt.org"`}, false, forbidsIssuer},
		{[]string{`0 issue "other.example"`, `0 issue "letsencrypt.org."`}, false, forbidsForm},
		{[]string{`0 issue "letsencrypt.org"`, `128 tbs "x"`}, false, forbidsCritical},
		{[]string{`0 issue "letsencrypt.org"`, `1 tbs "x"`}, false, forbidsCritical},
		{[]string{`0 issue "letsencrypt.org"`, `2 tbs "x"`}, false, ""}, // a flag without a meaning
		{[]string{`0 issue "letsencrypt.org"`}, true, ""},
		{[]string{`0 issue "letsencrypt.org"`, `0 issuewild "other.example"`}, true, forbidsIssuer},
		{[]string{`0 issue "other.example"`, `0 issuewild "letsencrypt.org"`}, true, ""},
		{[]string{`0 issue "other.example"`, `0 issuewild "letsencrypt.org"`}, false, forbidsIssuer},
		{[]string{`0 iodef "mailto:a@client.ru"`}, true, ""},
	} {
		s.judge(t)
	}
}

// TestCAAParameters checks the rules of RFC 8657.
func TestCAAParameters(t *testing.T) {
	for _, s := range []caaSet{
		{[]string{`0 issue "letsencrypt.org; accounturi=` + account + `"`}, false, ""},
		{[]string{`0 issue "letsencrypt.org; accounturi=` + account + `2"`}, false, forbidsAccount},
		{[]string{`0 issue "letsencrypt.org; accounturi=` + account + `; accounturi=` + account + `"`}, false, forbidsForm},
		{[]string{`0 issue "other.example"`, `0 issue "letsencrypt.org; accounturi=` + account + `2"`}, false, forbidsAccount},
		{[]string{`0 issue "letsencrypt.org; validationmethods=dns-01; accounturi=` + account + `2"`}, false, forbidsMethod},
		{[]string{`0 issue "letsencrypt.org; accounturi=x"`, `0 issue "letsencrypt.org"`}, false, ""},
		{[]string{`0 issue "letsencrypt.org; validationmethods=dns-01,http-01"`}, false, ""},
		{[]string{`0 issue "letsencrypt.org; validationmethods=dns-01"`}, false, forbidsMethod},
		{[]string{`0 issue "letsencrypt.org; validationmethods="`}, false, forbidsMethods},
		{[]string{`0 issue "letsencrypt.org; validationmethods=,http-01"`}, false, forbidsMethods},
		{[]string{`0 issue "letsencrypt.org; validationmethods=dns-01,,http-01"`}, false, forbidsMethods},
		{[]string{`0 issue "letsencrypt.org; validationmethods=http_01,http-01"`}, false, forbidsMethods},
		{[]string{`0 issue "letsencrypt.org; validationmethods=http-01,"`}, false, ""}, // the CA stops at its method
		{[]string{`0 issue "letsencrypt.org; validationmethods=new-99,http-01"`}, false, ""},
		{[]string{`0 issue "letsencrypt.org; validationmethods=HTTP-01"`}, false, forbidsMethod},
		{[]string{`0 issue "letsencrypt.org; validationmethods=http-01; validationmethods=http-01"`}, false, forbidsForm},
		{[]string{`0 issue "other.example; accounturi=` + account + `"`}, false, forbidsIssuer},
	} {
		s.judge(t)
	}
}

// TestAnAccountThatIsNotKnown is for a panel whose account's key is not
// configured: the record may mean its account.
func TestAnAccountThatIsNotKnown(t *testing.T) {
	const uri = "https://acme-v02.api.letsencrypt.org/acme/acct/123456"
	_, in := world(t, client("@ A "+ownV4, `@ CAA 0 issue "letsencrypt.org; accounturi=`+uri+`"`))
	for _, tt := range []struct {
		name    string
		account string
		refused bool // the CA said that CAA forbids issuing
		want    checks.Severity
		who     checks.Who
	}{
		{"ours is not known", "", false, checks.Info, checks.Us},
		{"ours is not known, and the CA refused", "", true, checks.Warning, checks.Customer},
		{"ours is another", "https://acme-v02.api.letsencrypt.org/acme/acct/7", false, checks.Warning, checks.Customer},
		{"it is ours", uri, false, checks.Healthy, ""},
	} {
		_, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours(), AccountURI: tt.account, Refused: tt.refused})
		switch {
		case err != nil || len(found) > 1:
			t.Errorf("%s: %+v, %v", tt.name, found, err)
		case len(found) == 0 && tt.want == checks.Healthy:
		case len(found) == 0 || found[0].Severity != tt.want || found[0].Who() != tt.who || found[0].Args["account"] != "123456":
			t.Errorf("%s: %+v; want %s, %s", tt.name, found, tt.want, tt.who)
		}
	}
}

func TestAccountsOfACMEv1AreTheSame(t *testing.T) {
	if !sameAccount("https://acme-v01.api.letsencrypt.org/acme/reg/7", "https://acme-v02.api.letsencrypt.org/acme/acct/7") {
		t.Error("the CA takes both forms of an account's URI")
	}
}

func TestTheCAAFindingSaysWhereAndWhat(t *testing.T) {
	_, in := world(t, client("@ A "+ownV4, "shop A "+ownV4, `@ CAA 0 issue "other.example"`, `@ CAA 0 iodef "mailto:a@client.ru"`))
	_, found, err := in.Inspect(t.Context(), Question{Name: "shop.client.ru", Ours: ours()})
	if err != nil || len(found) != 1 || found[0].Code != checks.DNSCAA {
		t.Fatalf("findings %+v, error %v", found, err)
	}
	want := checks.Args{
		"at": "client.ru", "why": forbidsIssuer, "ca": le, "issuers": "other.example",
		"records": `0 issue "other.example", 0 iodef "mailto:a@client.ru"`,
	}
	if diff := cmp.Diff(want, found[0].Args); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseIssue(f *testing.F) {
	for _, s := range []string{"letsencrypt.org", ";", "", " a ; b=c; d = e ", "a;;", "a;=", "\x00;\xff=\u202e", strings.Repeat(";a=b", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := parseIssue(s)
		if !ok && (v.issuer != "" || v.parameters != nil) {
			t.Errorf("%q: refused, yet %+v", s, v)
		}
		for _, p := range v.parameters {
			if strings.ContainsAny(p.tag+p.value, "; \t\n") {
				t.Errorf("%q: parameter %+v", s, p)
			}
		}
		records := []*mdns.CAA{{Hdr: mdns.RR_Header{Name: "client.ru.", Rrtype: mdns.TypeCAA, Class: mdns.ClassINET}, Tag: "issue", Value: s}}
		for _, shown := range []string{issuers(records, false), recordList(records)} {
			if len([]rune(shown)) > maxText+1 || strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("%q is shown as %q", s, shown)
			}
		}
	})
}
