// Command bundle-verifier judges a Sigstore bundle by a public key, with code that is not ours.
//
// Usage: bundle-verifier BUNDLE KEY DIGEST, where KEY is a public key in PEM and DIGEST is that of
// the image, sha256:<hex>. It prints the verified in-toto statement, or ends with status 1.
package main

import (
	"crypto"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

func run(file, keyFile, image string) error {
	pem, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(pem)
	if err != nil {
		return err
	}
	key, err := signature.LoadVerifier(public, crypto.SHA256)
	if err != nil {
		return err
	}
	trusted := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(key, time.Time{}, time.Time{}), nil
	})
	// A key of one's own has neither a certificate nor an entry in a public log.
	verifier, err := verify.NewVerifier(trusted, verify.WithNoObserverTimestamps())
	if err != nil {
		return err
	}
	made, err := bundle.LoadJSONFromPath(file)
	if err != nil {
		return err
	}
	digest, err := hex.DecodeString(strings.TrimPrefix(image, "sha256:"))
	if err != nil {
		return err
	}
	policy := verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), verify.WithKey())
	result, err := verifier.Verify(made, policy)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result.Statement)
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: bundle-verifier BUNDLE KEY DIGEST")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
