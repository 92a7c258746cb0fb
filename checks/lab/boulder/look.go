package boulder

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Account is an account as the CA knows it.
type Account struct {
	ID  int64
	URL string
}

// Order is an order as the CA knows it.
type Order struct {
	URL            string
	Account        int64
	Names          []string
	Authorizations []string // URLs, in the order of the names
	Status         Status
	Expires        time.Time
	Certificate    string // the name ARI has for it; empty: not issued
}

// Authorization is an authorization as the CA knows it, whatever it tells a client.
type Authorization struct {
	URL     string
	Account int64
	Name    string // with the "*." of a wildcard
	Status  Status // as stored: see Expires
	Expires time.Time
}

// Paused lists the names of an account that are paused, sorted.
func (ca *CA) Paused(account int64) []string {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	var names []string
	for p, is := range ca.model.pauses {
		if p.account == account && is.lifted.IsZero() {
			names = append(names, p.name)
		}
	}
	slices.Sort(names)
	return names
}

// Authorization finds an authorization by its URL; false when there never was one.
func (ca *CA) Authorization(url string) (Authorization, bool) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	a := ca.model.authorizations[lastNumber(url)]
	if a == nil {
		return Authorization{}, false
	}
	return ca.authorization(a), true
}

// Authorizations lists all of an account's, in the order they were made.
func (ca *CA) Authorizations(account int64) []Authorization {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	var list []Authorization
	for _, a := range all(ca.model.authorizations, func(a *authorization) bool { return a.account == account }) {
		list = append(list, ca.authorization(a))
	}
	return list
}

// Orders lists all of an account's, in the order they were made.
func (ca *CA) Orders(account int64) []Order {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	var list []Order
	for _, o := range all(ca.model.orders, func(o *order) bool { return o.account == account }) {
		list = append(list, ca.order(o))
	}
	return list
}

func (ca *CA) authorization(a *authorization) Authorization {
	return Authorization{ca.authorizationURL(a.account, a.id), a.account, a.name, a.status, a.expires}
}

func (ca *CA) order(o *order) Order {
	out := Order{URL: ca.numbered("/acme/order/", o.account, o.id), Account: o.account, Names: slices.Clone(o.names),
		Status: o.status(ca.opts.Clock()), Expires: o.expires}
	for _, a := range o.authorizations {
		out.Authorizations = append(out.Authorizations, ca.authorizationURL(a.account, a.id))
	}
	if o.certificate != nil {
		out.Certificate = ariID(o.certificate.serial)
	}
	return out
}

func (ca *CA) accountURL(id int64) string { return ca.url + "/acme/acct/" + strconv.FormatInt(id, 10) }

func (ca *CA) authorizationURL(account, id int64) string {
	return ca.numbered("/acme/authz/", account, id)
}

func (ca *CA) numbered(path string, account, id int64) string {
	return ca.url + path + strconv.FormatInt(account, 10) + "/" + strconv.FormatInt(id, 10)
}

// lastNumber is the number at the end of a URL; 0: there is none.
func lastNumber(url string) int64 {
	n, err := strconv.ParseInt(url[strings.LastIndexByte(url, '/')+1:], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
