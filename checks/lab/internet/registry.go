package internet

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Registration is a registry's data about a name.
type Registration struct {
	Domain    string // in punycode
	Delegated bool
	Registrar string
	Created   time.Time
	PaidTill  time.Time
	FreeDate  time.Time // when a name that is not paid for becomes free
	Servers   []string
	Statuses  []string // RDAP (RFC 8056); none: "active", or "inactive" when not delegated
	Raw       string   // sent by WHOIS and RDAP in place of all this
}

// Registry is the registry of every top-level domain of the lab, over WHOIS
// (RFC 3912, in the texts of TCI for .ru, .рф and .su) and RDAP (RFC 9083).
type Registry struct {
	whois  net.Listener
	rdap   net.Listener
	server *http.Server
	life   *lifetime

	mu    sync.Mutex
	names map[string]Registration
	quota int // questions left; negative: no limit
	mute  bool
	asked map[string]int
}

// StartRegistry starts both services on free ports of 127.0.0.1.
func StartRegistry() (*Registry, error) {
	r := &Registry{life: newLifetime(), names: map[string]Registration{}, quota: -1, asked: map[string]int{}}
	var err error
	if r.whois, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("starting the lab's WHOIS: %w", err)
	}
	if r.rdap, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the lab's RDAP: %w", err), r.whois.Close())
	}
	r.server = &http.Server{Handler: r.life.counted(http.HandlerFunc(r.serveRDAP)), ErrorLog: log.New(io.Discard, "", 0)}
	r.life.start(func() { _ = r.server.Serve(r.rdap) }) // ends with Close
	r.life.start(r.serveWHOIS)
	return r, nil
}

// WHOIS returns the address of the WHOIS server.
func (r *Registry) WHOIS() string { return r.whois.Addr().String() }

// RDAP returns the base URL of the RDAP server, with a final slash.
func (r *Registry) RDAP() string { return "http://" + r.rdap.Addr().String() + "/" }

// Register adds a name.
func (r *Registry) Register(reg Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[strings.ToLower(reg.Domain)] = reg
}

// Forget makes a name free.
func (r *Registry) Forget(domain string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.names, strings.ToLower(domain))
}

// SetQuota allows n more questions; after that the answer is that there were
// too many.
func (r *Registry) SetQuota(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.quota = n
}

// SetMute makes both services receive questions without answering.
func (r *Registry) SetMute(mute bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mute = mute
}

// Asked returns how often a name was asked about, by WHOIS and by RDAP.
func (r *Registry) Asked(domain string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[strings.ToLower(domain)]
}

// question spends one question of the quota and looks up the name.
func (r *Registry) question(domain string) (reg Registration, known, allowed, mute bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	domain = strings.ToLower(domain)
	r.asked[domain]++
	allowed = r.quota != 0
	if r.quota > 0 {
		r.quota--
	}
	reg, known = r.names[domain]
	return reg, known, allowed, r.mute
}

// serveWHOIS accepts connections until it is closed.
func (r *Registry) serveWHOIS() {
	for {
		conn, err := r.whois.Accept()
		if err != nil {
			return
		}
		r.life.attend(conn, func() { r.answerWHOIS(conn) })
	}
}

// answerWHOIS reads one line, writes one text, and closes (RFC 3912 section 2).
func (r *Registry) answerWHOIS(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return
	}
	reg, known, allowed, mute := r.question(strings.TrimSpace(line))
	if mute {
		<-r.life.done
		return
	}
	text := whoisText(reg)
	switch {
	case !allowed:
		text = "You have exceeded allowed connection rate.\r\n"
	case !known:
		text = whoisTerms + "No entries found for the selected source(s).\r\n" + whoisEnd(time.Now())
	}
	_, _ = conn.Write([]byte(text)) // the client may have gone
}

// Close stops both services, and waits for them.
func (r *Registry) Close() error {
	if !r.life.end() {
		return nil
	}
	all := r.whois.Close()
	all = errors.Join(all, r.server.Close())
	r.life.wait()
	return all
}

// whoisTerms is the header of each answer of TCI's server.
const whoisTerms = "% TCI Whois Service. Terms of use:\r\n" +
	"% https://tcinet.ru/documents/whois_ru_rf.pdf (in Russian)\r\n" +
	"% https://tcinet.ru/documents/whois_su.pdf (in Russian)\r\n\r\n"

func whoisEnd(now time.Time) string {
	return "\r\nLast updated on " + now.UTC().Format("2006-01-02T15:04:05Z") + "\r\n\r\n"
}

// whoisText is the record of a name in TCI's form: a key, and its value from
// column 16.
func whoisText(reg Registration) string {
	if reg.Raw != "" {
		return reg.Raw
	}
	var b strings.Builder
	b.WriteString(whoisTerms)
	field := func(key, value string) { fmt.Fprintf(&b, "%-15s%s\r\n", key+":", value) }
	field("domain", strings.ToUpper(reg.Domain))
	for _, server := range reg.Servers {
		field("nserver", server+".")
	}
	state := "REGISTERED, NOT DELEGATED, VERIFIED"
	if reg.Delegated {
		state = "REGISTERED, DELEGATED, VERIFIED"
	}
	field("state", state)
	field("person", "Private Person")
	if strings.HasSuffix(strings.ToLower(reg.Domain), ".su") {
		field("e-mail", "owner@example.su")
	}
	field("registrar", reg.Registrar)
	field("admin-contact", "https://www.example.ru/whois")
	field("created", reg.Created.UTC().Format("2006-01-02T15:04:05Z"))
	field("paid-till", reg.PaidTill.UTC().Format("2006-01-02T15:04:05Z"))
	field("free-date", reg.FreeDate.UTC().Format(time.DateOnly))
	field("source", "TCI")
	b.WriteString(whoisEnd(time.Now()))
	return b.String()
}

// serveRDAP answers /domain/NAME (RFC 9082 section 3.1.3).
func (r *Registry) serveRDAP(w http.ResponseWriter, request *http.Request) {
	name, found := strings.CutPrefix(request.URL.Path, "/domain/")
	if !found {
		rdapError(w, http.StatusBadRequest, "this server answers about domains")
		return
	}
	reg, known, allowed, mute := r.question(name)
	switch {
	case mute:
		select {
		case <-r.life.done:
		case <-request.Context().Done():
		}
	case !allowed:
		w.Header().Set("Retry-After", "60")
		rdapError(w, http.StatusTooManyRequests, "too many questions")
	case !known:
		rdapError(w, http.StatusNotFound, "no such domain")
	case reg.Raw != "":
		w.Header().Set("Content-Type", "application/rdap+json")
		_, _ = w.Write([]byte(reg.Raw))
	default:
		rdapJSON(w, http.StatusOK, rdapDomain(reg))
	}
}

// rdapError writes an error (RFC 9083 section 6).
func rdapError(w http.ResponseWriter, status int, title string) {
	rdapJSON(w, status, map[string]any{"rdapConformance": []string{"rdap_level_0"}, "errorCode": status, "title": title})
}

func rdapJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/rdap+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}

// rdapDomain is a domain object (RFC 9083 section 5.3).
func rdapDomain(reg Registration) map[string]any {
	statuses := reg.Statuses
	if len(statuses) == 0 {
		statuses = []string{"inactive"}
		if reg.Delegated {
			statuses = []string{"active"}
		}
	}
	servers := []any{}
	for _, s := range reg.Servers {
		servers = append(servers, map[string]any{"objectClassName": "nameserver", "ldhName": s})
	}
	events := []any{}
	for _, e := range []struct {
		action string
		at     time.Time
	}{{"registration", reg.Created}, {"expiration", reg.PaidTill}, {"deletion", reg.FreeDate}} {
		if !e.at.IsZero() {
			events = append(events, map[string]any{"eventAction": e.action, "eventDate": e.at.UTC().Format(time.RFC3339)})
		}
	}
	return map[string]any{
		"rdapConformance": []string{"rdap_level_0"}, "objectClassName": "domain", "ldhName": strings.ToLower(reg.Domain),
		"status": statuses, "events": events, "nameservers": servers, "secureDNS": map[string]any{"delegationSigned": false},
		"entities": []any{map[string]any{"objectClassName": "entity", "handle": reg.Registrar, "roles": []string{"registrar"},
			"vcardArray": []any{"vcard", []any{[]any{"version", map[string]any{}, "text", "4.0"}, []any{"fn", map[string]any{}, "text", reg.Registrar}}}}},
	}
}
