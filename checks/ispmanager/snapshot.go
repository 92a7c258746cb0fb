package ispmanager

import (
	"context"
	"time"

	"domovoy/checks"
)

// kept is the last reading. A successful one replaces it as a whole; a chunk
// that comes out the same is not parsed again.
type kept struct {
	chunks       [tableCount][]chunk
	sites        sites
	certificates []reading[checks.Certificate] // by chunk of letsencrypt_ssl
	snapshot     checks.Snapshot
}

// refresh reads the certificates, and the tables of sites too where these are
// due, and parses what changed.
func (p *Panel) refresh(ctx context.Context, sites bool) error {
	var chunks [tableCount][]chunk
	var same [tableCount]bool
	for id := range letsencryptLog {
		if !sites && id != letsencryptSSL {
			chunks[id], same[id] = p.kept.chunks[id], true
			continue
		}
		var err error
		if chunks[id], same[id], err = p.chunks(ctx, id); err != nil {
			return err
		}
	}
	was, now := &p.kept, kept{chunks: chunks}
	owners := owners(chunks[users])
	now.sites = was.sites
	for id := range letsencryptSSL {
		if !same[id] {
			now.sites = readSites(p.cfg.Name, chunks, owners)
			break
		}
	}
	now.certificates, now.snapshot.Certificates = was.certificates, was.snapshot.Certificates
	if !same[letsencryptSSL] || !same[users] {
		r := certificateReader{server: p.cfg.Name, owners: owners, clock: &clock{zone: p.cfg.Zone},
			dated: p.file.tables[letsencryptSSL].has(leStarted)}
		if same[users] {
			r.before, r.parsed = was.chunks[letsencryptSSL], was.certificates
		}
		now.certificates, now.snapshot.Certificates = r.read(chunks[letsencryptSSL])
	}
	now.complete(p.cfg.Name, p.file.missing())
	p.kept = now
	return nil
}

// complete puts the parts together.
func (k *kept) complete(server string, missing []checks.Missing) {
	s := &k.snapshot
	s.Server, s.Taken, s.Missing = server, time.Now(), missing
	s.Sites, s.Addresses = k.sites.rows, k.sites.panel
	s.UnreadableN = k.sites.doubtsN
	s.Unreadable = append(s.Unreadable, k.sites.doubts...)
	for _, c := range k.certificates {
		s.UnreadableN += c.doubtsN
		s.Unreadable = append(s.Unreadable, c.doubts[:min(len(c.doubts), listedDoubts-len(s.Unreadable))]...)
	}
}

// owners maps users' ids to their names.
func owners(chunks []chunk) map[int64]string {
	names := map[int64]string{}
	for _, c := range chunks {
		for field := range records(c.text, 2) {
			names[number(field[0])] = plain(field[1])
		}
	}
	return names
}
