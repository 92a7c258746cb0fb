package boulder

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strconv"
)

// serialText writes a serial number as Boulder does.
func serialText(serial int64) string { return fmt.Sprintf("%036x", serial) }

// serveFinalize issues (RFC 8555 section 7.4). Boulder issues while the client
// polls; here the order is valid at once.
func (ca *CA) serveFinalize(c *call) *reply {
	m, now := ca.model, ca.opts.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	o, p := ca.orderAt(c)
	if p != nil {
		return refusal(p, c.header)
	}
	if s := o.status(now); s != Ready {
		return refusal(notReady(s), c.header)
	}
	request, p := csr(c.payload, o.names)
	if p != nil {
		return refusal(p, c.header)
	}
	cert, p := m.issue(o, now)
	if p != nil {
		return refusal(p, c.header)
	}
	der, err := ca.issuer.sign(&x509.Certificate{SerialNumber: big.NewInt(cert.serial), DNSNames: cert.names,
		NotBefore: cert.from, NotAfter: cert.to}, request.PublicKey)
	if err != nil {
		return refusal(serverInternal("Error finalizing order"), c.header)
	}
	cert.chain = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), ca.RootPEM()...)
	c.header.Set("Location", ca.numbered("/acme/order/", o.account, o.id))
	return found(http.StatusOK, ca.orderDocument(o))
}

func notReady(s Status) *Problem {
	return NewProblem(http.StatusForbidden, "orderNotReady", fmt.Sprintf("Order's status (%q) is not acceptable for finalization", s))
}

// csr reads a request for a certificate, which must be for the order's names.
func csr(payload []byte, names []string) (*x509.CertificateRequest, *Problem) {
	var body struct {
		CSR string `json:"csr"`
	}
	if !decode(payload, &body) {
		return nil, malformed("Error unmarshaling finalize order request")
	}
	der, err := base64.RawURLEncoding.DecodeString(body.CSR)
	if err != nil {
		return nil, malformed("Error unmarshaling finalize order request")
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, malformed("Error parsing certificate request: %s", err)
	}
	asked := request.DNSNames
	if cn := request.Subject.CommonName; cn != "" {
		asked = append(slices.Clone(asked), cn)
	}
	if request.CheckSignature() != nil || !slices.Equal(normalized(asked), names) {
		return nil, NewProblem(http.StatusForbidden, "unauthorized", "Error finalizing order :: CSR does not specify same identifiers as Order")
	}
	return request, nil
}

// serveCertificate gives a certificate with its chain (RFC 8555 section 7.4.2).
func (ca *CA) serveCertificate(c *call) *reply {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	serial, err := strconv.ParseInt(c.below[0], 16, 64)
	cert := ca.model.certificates[serial]
	switch {
	case err != nil || cert == nil || cert.chain == nil:
		return refusal(notFound("Certificate not found"), c.header)
	case c.account != nil && c.account.id != cert.account:
		return refusal(unauthorized("Account in use did not issue specified certificate"), c.header)
	}
	return &reply{status: http.StatusOK, mime: "application/pem-certificate-chain", body: cert.chain}
}
