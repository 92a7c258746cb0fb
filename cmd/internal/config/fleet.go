package config

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"

	"domovoy/bot/fleet"
)

// Fleet is how a bot and its agents reach each other. A bot either starts a hub
// (Listen) or uses another one (Hub, Key). An agent has Key, and Hub if its enrolment
// names another address than the one it can reach. Without any key there is no fleet.
type Fleet struct {
	Listen string `key:"listen" is:"hublisten"`
	// Public is Listen if that names an address, else this host's name.
	Public string `key:"public" is:"endpoint"`
	// Hub has addresses with commas between them; see Addresses.
	Hub    string `key:"hub" is:"hub"`
	Key    Secret `key:"key" is:"secret" shape:"enrolment"`
	CAFile string `key:"ca_file" is:"path"`
	// Pair says that another bot uses the hub, too: the one that has the lease speaks,
	// the other waits.
	Pair bool `key:"pair" is:"truth" default:"false"`
	// ShareSweeps has a sweep look at a site that is fine from one vantage point, each
	// time another.
	ShareSweeps bool `key:"share_sweeps" is:"truth" default:"false"`
}

// IsOn reports whether there is a fleet.
func (f Fleet) IsOn() bool { return f.Listen != "" || f.Hub != "" || f.Key.IsSet() }

// Addresses are the hub's; empty with Listen.
func (f Fleet) Addresses() []string {
	if f.Hub == "" {
		return nil
	}
	all, _ := fleet.ParseURLs(f.Hub) // it was read so
	return all
}

// Enrolment is the agent's in Key; false: Key is a bare key, a bot's enrolment or none.
func (f Fleet) Enrolment() (fleet.Enrolment, bool) {
	e, err := fleet.ParseEnrolment(f.Key.Reveal())
	return e, err == nil && !e.Bot
}

// CA is the certificate of the hub's CA, PEM; empty: the system's are trusted.
func (f Fleet) CA() (string, error) {
	if f.CAFile == "" {
		return fleet.Certificates(f.Key.Reveal()), nil
	}
	text, err := readSmall(f.CAFile, maxSize)
	if err != nil {
		return "", err
	}
	ca := fleet.Certificates(string(text))
	if ca == "" {
		return "", fmt.Errorf("%s: %w", f.CAFile, fleet.ErrNoCA)
	}
	return ca, nil
}

// Vantage is where an agent looks from. It is none while Name is empty.
type Vantage struct {
	Name    string `key:"name" is:"name"`
	Network string `key:"network" is:"network"`
	Country string `key:"country" is:"country"`
}

// IsOn reports whether there is a vantage point.
func (v Vantage) IsOn() bool { return v.Name != "" }

// enrolmentForm finds the key in an enrolment.
var enrolmentForm = regexp.MustCompile(`(?m)^\s*SU[A-Z2-7]{56}\s*$`)

// readHub takes tls://host:port, several with commas between them.
func readHub(f field, v scalar) (any, *problem) {
	all, err := fleet.ParseURLs(v.text)
	if err != nil {
		return nil, wrong("hub", f.args(v))
	}
	return strings.Join(all, ","), nil
}

// readHubListen takes the address and the port of our own hub.
func readHubListen(f field, v scalar) (any, *problem) {
	value, p := readListen(f, v)
	if p != nil {
		return nil, p.withHint("hublisten")
	}
	return value, nil
}

// readEndpoint takes a name or an address, with or without a port.
func readEndpoint(f field, v scalar) (any, *problem) {
	if at, err := netip.ParseAddr(v.text); err == nil && at.Is6() {
		return net.JoinHostPort(v.text, "")[:len(v.text)+2], nil // in brackets
	}
	if _, ok := hostPort(v.text, fleet.DefaultPort); !ok {
		return nil, wrong("endpoint", f.args(v))
	}
	return v.text, nil
}

var (
	networkForm = regexp.MustCompile(`^AS[1-9][0-9]{0,9}$`)
	countryForm = regexp.MustCompile(`^[a-z]{2}$`)
)

// IsNetwork reports whether a text is the number of an autonomous system, such as AS64500.
func IsNetwork(text string) bool { return networkForm.MatchString(text) }

// IsCountry reports whether a text has the form of a country's code (ISO 3166-1), such as de.
func IsCountry(text string) bool { return countryForm.MatchString(text) }

// readNetwork takes the number of an autonomous system (RFC 6793).
func readNetwork(f field, v scalar) (any, *problem) {
	if !IsNetwork(v.text) {
		return nil, wrong("network", f.args(v))
	}
	return v.text, nil
}

// readCountry takes a code of two letters (ISO 3166-1).
func readCountry(f field, v scalar) (any, *problem) {
	if !IsCountry(v.text) {
		return nil, wrong("country", f.args(v))
	}
	return v.text, nil
}

// checkFleet finds a fleet that is neither a bot's nor an agent's, and completes it
// from the enrolment.
func (r *reader) checkFleet(c *Config) {
	f := &c.Fleet
	e, err := fleet.ParseEnrolment(f.Key.Reveal())
	if f.Hub == "" && err == nil && f.Listen == "" {
		if _, err := fleet.ParseURLs(e.Hub); err == nil {
			f.Hub = e.Hub
		}
	}
	switch {
	case f.Listen != "" && f.Hub != "":
		r.fault("fleet.hub", wrong("fleet.two", nil))
	case f.Listen != "" && f.Key.IsSet():
		r.fault("fleet.key_file", wrong("fleet.two", nil))
	case f.Listen != "" && f.Pair:
		r.fault("fleet.pair", wrong("fleet.pair", nil))
	case f.Pair && !f.Key.IsSet():
		r.fault("fleet.pair", wrong("fleet.alone", nil))
	case f.ShareSweeps && !f.IsOn():
		r.fault("fleet.share_sweeps", wrong("fleet.share", nil))
	case f.Listen == "" && f.Public != "":
		r.fault("fleet.public", wrong("fleet.public", nil))
	case f.Hub != "" && !f.Key.IsSet():
		r.fault("fleet.hub", wrong("fleet.key", nil))
	case f.CAFile != "" && !f.Key.IsSet():
		r.fault("fleet.ca_file", wrong("fleet.key", nil))
	case f.Hub == "" && f.Key.Reveal() != "" && !r.hasFault("fleet"):
		r.fault("fleet", wrong("fleet.hub", nil))
	}
	if f.CAFile != "" {
		if _, err := f.CA(); err != nil && !os.IsPermission(err) {
			r.fault("fleet.ca_file", wrong("fleet.ca", map[string]any{"Value": printable(f.CAFile)}))
		}
	}
	if e, agent := f.Enrolment(); agent {
		r.checkSent(c, e.Panels)
	}
	if e.Bot {
		e.Name = "" // it may look from a place of any name
	}
	r.checkVantage(c, e.Name)
	if len(c.Panels) == 0 && !c.Fleet.IsOn() && !r.hasFault("panels") && !r.hasFault("fleet") {
		r.fault("panels", wrong("needed", map[string]any{"Key": "panels"}))
	}
}

// checkSent wants panels that the agent was enrolled for, and roots that it can send. A file
// that cannot be read is a fault elsewhere.
func (r *reader) checkSent(c *Config, enrolled []string) {
	for i, p := range c.Panels {
		if p.Name != "" && !slices.Contains(enrolled, p.Name) {
			r.fault(fmt.Sprintf("panels[%d].name", i), wrong("agent.panel", map[string]any{"Value": p.Name, "Enrolled": strings.Join(enrolled, ", ")}))
		}
		if text, err := os.ReadFile(p.ACME.CAFile); err == nil {
			if _, err := fleet.Roots(text); err != nil {
				r.fault(fmt.Sprintf("panels[%d].acme.ca_file", i), wrong("agent.roots", map[string]any{"Value": printable(p.ACME.CAFile)}))
			}
		}
	}
}

// checkVantage wants the name under which the agent was enrolled; enrolled is empty if
// that is not known.
func (r *reader) checkVantage(c *Config, enrolled string) {
	v := c.Vantage
	switch {
	case v.Name == "" && (v.Network != "" || v.Country != ""):
		r.fault("vantage", wrong("needed", map[string]any{"Key": "name"}))
	case v.Name != "" && !c.Fleet.IsOn() && !r.hasFault("fleet"):
		r.fault("vantage", wrong("vantage.alone", nil))
	case v.Name != "" && enrolled != "" && v.Name != enrolled:
		r.fault("vantage.name", wrong("vantage.other", map[string]any{"Value": v.Name, "Enrolled": enrolled}))
	}
}

// hasFault reports whether the file has a fault at or below a key.
func (r *reader) hasFault(key string) bool {
	return slices.ContainsFunc(r.faults, func(f Fault) bool {
		rest, ok := strings.CutPrefix(f.Path, key)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// IsAgent reports whether the configuration is an agent's: it has an agent's enrolment, and
// nobody to speak to.
func (c *Config) IsAgent() bool {
	_, enrolled := c.Fleet.Enrolment()
	return enrolled && !c.hasMessenger() && len(c.Chats) == 0
}

// CheckService returns the faults that stop the service of this host, which is an agent or a
// bot.
func (c *Config) CheckService() Faults {
	if c.IsAgent() {
		return c.CheckAgent()
	}
	return c.CheckRun()
}

// CheckAgent returns the faults that stop an agent, which needs a hub, and something to
// read or to look at.
func (c *Config) CheckAgent() Faults {
	faults := append(Faults{}, c.origin.runFaults...)
	name := ""
	switch {
	case c.Fleet.Listen != "":
		name = "agent.listen"
	case c.Fleet.Pair:
		name = "agent.pair"
	case c.Fleet.ShareSweeps:
		name = "agent.share"
	case !c.Fleet.IsOn():
		name = "agent.hub"
	case len(c.Panels) == 0 && !c.Vantage.IsOn():
		name = "agent.idle"
	case c.Vantage.IsOn() && len(c.Resolvers) == 0:
		name = "agent.blind"
	default:
		return faults
	}
	return append(Faults{wrong(name, nil).at(c.origin.file, place{}, "")}, faults...)
}
