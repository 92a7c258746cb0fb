package boulder

import (
	"net/http"
	"time"
)

// orderDocument is what a client sees of an order.
type orderDocument struct {
	Status         Status       `json:"status"`
	Expires        time.Time    `json:"expires"`
	Identifiers    []identifier `json:"identifiers"`
	Authorizations []string     `json:"authorizations"`
	Finalize       string       `json:"finalize"`
	Profile        string       `json:"profile,omitempty"`
	Certificate    string       `json:"certificate,omitempty"`
	Error          *Problem     `json:"error,omitempty"`
	Replaces       string       `json:"replaces,omitempty"`
}

func (ca *CA) orderDocument(o *order) orderDocument {
	d := orderDocument{Status: o.status(ca.opts.Clock()), Expires: o.expires, Profile: o.profile, Error: o.failure, Replaces: o.replaces,
		Finalize: ca.numbered("/acme/finalize/", o.account, o.id)}
	for _, name := range o.names {
		d.Identifiers = append(d.Identifiers, identifier{"dns", name})
	}
	for _, a := range o.authorizations {
		d.Authorizations = append(d.Authorizations, ca.authorizationURL(a.account, a.id))
	}
	if o.certificate != nil {
		d.Certificate = ca.url + "/acme/cert/" + serialText(o.certificate.serial)
	}
	return d
}

// serveNewOrder makes an order, or finds one (RFC 8555 section 7.4).
func (ca *CA) serveNewOrder(c *call) *reply {
	var asked struct {
		Identifiers         []identifier
		NotBefore, NotAfter string
		Profile, Replaces   string
	}
	if !decode(c.payload, &asked) {
		return refusal(malformed("Unable to unmarshal NewOrder request body"), c.header)
	}
	if len(asked.Identifiers) == 0 {
		return refusal(malformed("NewOrder request did not specify any identifiers"), c.header)
	}
	if asked.NotBefore != "" || asked.NotAfter != "" {
		return refusal(malformed("NotBefore and NotAfter are not supported"), c.header)
	}
	wish := Wish{Profile: asked.Profile, Replaces: asked.Replaces}
	for _, i := range asked.Identifiers {
		if i.Type != "dns" { // IP addresses are beyond this lab
			p := NewProblem(http.StatusBadRequest, "unsupportedIdentifier",
				`NewOrder request included unsupported identifier: type "`+i.Type+`", value "`+i.Value+`"`)
			return refusal(p, c.header)
		}
		wish.Names = append(wish.Names, i.Value)
	}
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	o, p := ca.model.newOrder(c.account, wish, ca.opts.Clock())
	if p != nil {
		return refusal(p, c.header)
	}
	c.header.Set("Location", ca.numbered("/acme/order/", o.account, o.id))
	return found(http.StatusCreated, ca.orderDocument(o))
}

// serveOrder reads an order; nobody has to sign for it. Another's, and one
// that is over, are not found.
func (ca *CA) serveOrder(c *call) *reply {
	if c.Method == http.MethodPost && len(c.payload) > 0 {
		return refusal(malformed("POST-as-GET requests must have an empty payload").under("Unable to validate JWS"), c.header)
	}
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	o, p := ca.orderAt(c)
	if p != nil {
		return refusal(p, c.header)
	}
	c.header.Set("Location", ca.numbered("/acme/order/", o.account, o.id))
	return found(http.StatusOK, ca.orderDocument(o))
}

// orderAt finds the order that a path names.
func (ca *CA) orderAt(c *call) (*order, *Problem) {
	account, ok := c.number(0)
	if !ok {
		return nil, malformed("Invalid account ID")
	}
	id, ok := c.number(1)
	if !ok {
		return nil, malformed("Invalid order ID")
	}
	o := ca.model.orders[id]
	switch {
	case o == nil || o.expires.Before(ca.opts.Clock()):
		return nil, notFound("No order for ID %d", id)
	case o.account != account || c.account != nil && o.account != c.account.id:
		return nil, notFound("No order found for account ID %d", account)
	}
	return o, nil
}
