package lab

import (
	"fmt"
	"time"

	"golang.org/x/net/idna"
)

// Site is one web domain of the panel.
type Site struct {
	Name         string // in the form that the panel shows
	NameIDN      string // the other form; empty: the A-label of Name
	Owner        string // empty: www-root
	Aliases      []string
	Addresses    []string
	Active       bool
	Secure       bool
	RedirectHTTP bool
	Certificate  string // its name; may be empty, also with Secure
}

// AddOwner adds a panel user, or returns the existing one.
func (p *Panel) AddOwner(name string) (int64, error) {
	if name == "" {
		name = "www-root"
	}
	if id, known := p.owners[name]; known {
		return id, nil
	}
	number := 1000 + len(p.owners)
	id, err := p.insert("users", cell{"name", name}, cell{"active", "on"}, cell{"uid", number}, cell{"gid", number},
		cell{"home", "/var/www/" + name + "/data"}, cell{"level", 16}, cell{"shell", "/bin/bash"})
	if err != nil {
		return 0, fmt.Errorf("adding owner %s: %w", name, err)
	}
	p.owners[name] = id
	return id, nil
}

// AddAddress adds an address to the panel's own.
func (p *Panel) AddAddress(address string) error {
	_, err := p.insert("ipaddr", cell{"name", address})
	return err
}

// AddSite adds a site with its aliases and addresses, and its owner if new.
func (p *Panel) AddSite(site Site) (int64, error) {
	var id int64
	err := p.Transaction(func() error {
		owner, err := p.AddOwner(site.Owner)
		if err != nil {
			return err
		}
		if id, err = p.addWebdomain(site, owner); err != nil {
			return err
		}
		for _, alias := range site.Aliases {
			if _, err := p.insert("webdomain_alias", cell{"webdomain", id}, cell{"name", alias}, cell{"name_idn", ascii(alias)}); err != nil {
				return err
			}
		}
		for _, address := range site.Addresses {
			if _, err := p.insert("webdomain_ipaddr", cell{"webdomain", id}, cell{"value", address}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("adding site %s: %w", site.Name, err)
	}
	return id, nil
}

func (p *Panel) addWebdomain(site Site, owner int64) (int64, error) {
	other := site.NameIDN
	if other == "" {
		other = ascii(site.Name)
	}
	home := "/var/www/" + site.Owner
	if site.Owner == "" {
		home += "www-root"
	}
	return p.insert("webdomain",
		cell{"name", site.Name}, cell{"name_idn", other}, cell{"users", owner},
		cell{"docroot", home + "/data/www/" + site.Name},
		cell{"active", onOff(site.Active)}, cell{"secure", onOff(site.Secure)},
		cell{"ssl_cert", textOrNull(site.Certificate)}, cell{"redirect_http", onOff(site.RedirectHTTP)},
		cell{"email", "webmaster@" + ascii(site.Name)}, cell{"dirindex", "index.php index.html"},
		cell{"php_mode", "php_mode_fcgi_nginxfpm"})
}

// SetActive enables or disables a site.
func (p *Panel) SetActive(site string, on bool) error {
	return p.update("webdomain", "name", site, cell{"active", onOff(on)})
}

// SuspendOwner suspends an owner and the owner's sites.
func (p *Panel) SuspendOwner(name string) error {
	return p.Transaction(func() error {
		if err := p.update("users", "name", name, cell{"active", "off"}); err != nil {
			return err
		}
		if columns, _ := p.present("webdomain", []cell{{"int_suspend", "on"}}); len(columns) == 0 {
			return nil // omitted by a variant
		}
		_, err := p.prepared("UPDATE webdomain SET int_suspend = 'on' WHERE users = ?", []any{p.owners[name]}) // the owner may have no sites
		return err
	})
}

// RemoveSite deletes a site; its certificate and its log are kept.
func (p *Panel) RemoveSite(name string) error {
	return p.Transaction(func() error {
		for _, satellite := range []string{"webdomain_alias", "webdomain_ipaddr"} {
			if _, err := p.layout.find(satellite); err != nil {
				continue // omitted by a variant
			}
			query := "DELETE FROM " + satellite + " WHERE webdomain = (SELECT id FROM webdomain WHERE name = ?)"
			if _, err := p.prepared(query, []any{name}); err != nil {
				return err
			}
		}
		return p.change("DELETE FROM webdomain WHERE name = ?", name)
	})
}

// ascii returns the A-label form of a name, or the name itself if it has none.
func ascii(name string) string {
	if form, err := idna.Punycode.ToASCII(name); err == nil {
		return form
	}
	return name
}

// The two statuses that the lab writes into the issuance log; only the first is
// known from real panels, which may have others.
const (
	StatusFailed = "failed"
	StatusOK     = "ok"
)

// Certificate is one row of letsencrypt_ssl: a certificate that the panel's
// Let's Encrypt module manages.
type Certificate struct {
	Name        string // such as example.com_le1
	Domain      string
	Owner       string
	Processing  bool
	Failed      bool
	Started     time.Time // of the last issue; zero: NULL
	StartedText string    // written unchanged instead of Started
}

// Attempt is one row of the issuance log.
type Attempt struct {
	Certificate string
	Status      string
	At          time.Time
	Message     string // empty: NULL
}

// AddCertificate adds a certificate row.
func (p *Panel) AddCertificate(c Certificate) (int64, error) {
	owner, err := p.AddOwner(c.Owner)
	if err != nil {
		return 0, err
	}
	started := p.date(c.Started)
	if c.StartedText != "" {
		started = c.StartedText
	}
	id, err := p.insert("letsencrypt_ssl", cell{"certname", c.Name}, cell{"users", owner}, cell{"domain_name", c.Domain},
		cell{"processing", onOff(c.Processing)}, cell{"failed", onOff(c.Failed)}, cell{"time_started", started})
	if err != nil {
		return 0, fmt.Errorf("adding certificate %s: %w", c.Name, err)
	}
	return id, nil
}

// AddAttempt adds a row to the issuance log.
func (p *Panel) AddAttempt(a Attempt) (int64, error) {
	id, err := p.insert("letsencrypt_log", cell{"certname", a.Certificate}, cell{"status", a.Status},
		cell{"date", p.date(a.At)}, cell{"message", textOrNull(a.Message)})
	if err != nil {
		return 0, fmt.Errorf("adding attempt of %s: %w", a.Certificate, err)
	}
	return id, nil
}

// SetProcessing starts or ends the issuing of certificates; a zero time leaves
// time_started unchanged.
func (p *Panel) SetProcessing(on bool, at time.Time, names ...string) error {
	cells := []cell{{"processing", onOff(on)}}
	if !at.IsZero() {
		cells = append(cells, cell{"time_started", p.date(at)})
	}
	return p.setCertificates(names, cells)
}

// SetFailed marks certificates as given up, or removes the mark.
func (p *Panel) SetFailed(on bool, names ...string) error {
	return p.setCertificates(names, []cell{{"failed", onOff(on)}})
}

func (p *Panel) setCertificates(names []string, cells []cell) error {
	return p.Transaction(func() error {
		for _, name := range names {
			if err := p.update("letsencrypt_ssl", "certname", name, cells...); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemoveCertificate deletes a certificate row; the site that names it and the
// log are kept.
func (p *Panel) RemoveCertificate(name string) error {
	return p.change("DELETE FROM letsencrypt_ssl WHERE certname = ?", name)
}
