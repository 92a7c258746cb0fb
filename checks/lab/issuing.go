package lab

import (
	"fmt"
	"time"
)

// The two statuses that the lab writes into the issuing log; only the first is attested, the panel may know others.
const (
	StatusFailed = "failed"
	StatusOK     = "ok"
)

// Certificate is one row of letsencrypt_ssl: a certificate in the care of the panel's Let's Encrypt module.
type Certificate struct {
	Name        string // such as example.com_le1
	Domain      string
	Owner       string
	Processing  bool
	Failed      bool
	Started     time.Time // of the last issue; zero: NULL
	StartedText string    // written instead of Started, as it is
}

// Attempt is one row of the issuing log.
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

// AddAttempt adds a line to the issuing log.
func (p *Panel) AddAttempt(a Attempt) (int64, error) {
	id, err := p.insert("letsencrypt_log", cell{"certname", a.Certificate}, cell{"status", a.Status},
		cell{"date", p.date(a.At)}, cell{"message", textOrNull(a.Message)})
	if err != nil {
		return 0, fmt.Errorf("adding attempt of %s: %w", a.Certificate, err)
	}
	return id, nil
}

// SetProcessing starts or ends the issue of certificates; a zero time leaves time_started as it is.
func (p *Panel) SetProcessing(on bool, at time.Time, names ...string) error {
	cells := []cell{{"processing", onOff(on)}}
	if !at.IsZero() {
		cells = append(cells, cell{"time_started", p.date(at)})
	}
	return p.setCertificates(names, cells)
}

// SetFailed marks certificates as given up, or no more so.
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

// RemoveCertificate deletes a certificate row; the site that names it and the log stay.
func (p *Panel) RemoveCertificate(name string) error {
	return p.change("DELETE FROM letsencrypt_ssl WHERE certname = ?", name)
}
