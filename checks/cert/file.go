// Package cert checks certificates: those in the panel's folder, and those
// that visitors get.
package cert

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"domovoy/checks"
)

// maxFile bounds what is read of one file: a chain of certificates takes a
// few kilobytes.
const maxFile = 1 << 20

// ErrNoCertificate means that a file has no certificate in it.
var ErrNoCertificate = errors.New("no certificate in the file")

// Files reads the certificates of a panel from its folder, where each is
// OWNER/NAME.crt. It reads a file again only when the file changed. It does not
// read private keys, and is not safe for concurrent use.
type Files struct {
	dir  string
	seen map[string]Result
}

// Result is the result of reading a certificate's file. Err is fs.ErrNotExist
// if the file does not exist; any other error means that it could not be read.
type Result struct {
	File     checks.CertificateFile
	Err      error
	Fresh    bool // read this time: it is new or has changed
	modified time.Time
	size     int64
	leaf     *x509.Certificate // kept while its bundle is not known to be right: that is read again each time
}

// NewFiles returns Files that read below dir.
func NewFiles(dir string) *Files { return &Files{dir: dir, seen: map[string]Result{}} }

// Read returns the leaf certificate of each site, by the site's ID, except for
// sites without a certificate. An error concerns the folder as a whole.
func (f *Files) Read(sites []checks.Site) (map[int64]Result, error) {
	// A root keeps file names from the database inside the folder, whatever
	// they contain.
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, fmt.Errorf("opening the certificates' folder: %w", err)
	}
	defer root.Close()
	results := make(map[int64]Result, len(sites))
	now := make(map[string]Result, len(f.seen))
	for _, s := range sites {
		if s.Certificate == "" {
			continue
		}
		path := s.Owner + "/" + s.Certificate + ".crt"
		r := f.read(root, path)
		results[s.ID] = r
		r.Fresh = false
		now[path] = r
	}
	f.seen = now // drops files that no site names any more
	return results, nil
}

// read returns the last result if the file has not changed.
func (f *Files) read(root *os.Root, path string) Result {
	info, err := root.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", path, ErrNoCertificate) // opening a pipe would block
	}
	if err != nil {
		return Result{Err: fmt.Errorf("reading a certificate: %w", err)}
	}
	last, ok := f.seen[path]
	if !ok || !last.modified.Equal(info.ModTime()) || last.size != info.Size() {
		last = Result{Fresh: true, modified: info.ModTime(), size: info.Size()}
		last.File, last.leaf, last.Err = parse(root, path)
	}
	if last.leaf != nil {
		last.readBundle(root, path+"ca")
	}
	return last
}

// readBundle judges the chain in OWNER/NAME.crtca, which the web server sends.
// It is read again at the next time only if it is not right, or is of another
// certificate, which the panel is about to replace. One that does not exist, or
// cannot be read, tells nothing.
func (r *Result) readBundle(root *os.Root, path string) {
	r.File.Chain = checks.Chain{}
	chain, err := readChain(root, path)
	if err != nil {
		r.leaf = nil
		return
	}
	if !chain[0].Equal(r.leaf) {
		return
	}
	why := distrustInFile(chain)
	if why == "" {
		r.leaf = nil
		return
	}
	g := lacks(chain)
	r.File.Chain = checks.Chain{Distrust: string(why), Missing: g.Missing, Signer: g.Signer}
}

// parse reads the first certificate of a file, which must be the leaf, as web
// servers require (nginx, ssl_certificate). The leaf is nil if it is
// self-signed: such a certificate has no chain.
func parse(root *os.Root, path string) (checks.CertificateFile, *x509.Certificate, error) {
	file, err := root.Open(path)
	if err != nil {
		return checks.CertificateFile{}, nil, fmt.Errorf("reading a certificate: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return checks.CertificateFile{}, nil, fmt.Errorf("reading a certificate: %w", err)
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return checks.CertificateFile{}, nil, fmt.Errorf("reading %s: %w", path, err)
		}
		file := checks.CertificateFile{
			Path:       path,
			NotBefore:  leaf.NotBefore,
			NotAfter:   leaf.NotAfter,
			Issuer:     issuer(leaf), // the file may be a customer's, with any text
			SelfSigned: selfSigned(leaf),
		}
		if file.SelfSigned {
			leaf = nil
		}
		return file, leaf, nil
	}
	return checks.CertificateFile{}, nil, fmt.Errorf("reading %s: %w", path, ErrNoCertificate)
}

// absent reports whether err of Read means that the file does not exist.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// Stem returns a certificate's name without the number that the panel appends
// and increments with each order: example.com for example.com_le2.
func Stem(name string) string {
	i := strings.LastIndex(strings.ToLower(name), "_le")
	if i <= 0 || i+3 == len(name) || strings.Trim(name[i+3:], "0123456789") != "" {
		return name
	}
	return name[:i]
}
