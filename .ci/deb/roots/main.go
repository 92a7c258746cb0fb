// Command roots prints the certificates of the CAs that Mozilla trusts, as PEM: what
// an image without a system has to bring. Its module pins them, so two builds agree.
//
//	go run -modfile=.ci/tools.mod ./.ci/deb/roots
package main

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"os"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	for root := range bundle.Roots() {
		// A root with a constraint is for certificates of certain names or times only, which
		// the file cannot say.
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			fail(err)
		}
	}
	if err := out.Flush(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "roots:", err)
	os.Exit(1)
}
