package cert

import (
	"fmt"
	"math/big"

	"domovoy/checks"
)

// mostNames are shown of a certificate.
const mostNames = 10

// someNames are the first names of a certificate, fit to be shown.
func someNames(names []string) []string {
	var some []string
	for _, n := range names[:min(len(names), mostNames)] {
		some = append(some, checks.Clean(n, checks.WordLength))
	}
	if len(names) > mostNames {
		some = append(some, "…")
	}
	return some
}

// shortSerial is the end of a serial number, as people compare them.
func shortSerial(n *big.Int) string {
	const digits = 8
	hex := fmt.Sprintf("%x", n)
	return hex[max(0, len(hex)-digits):]
}
