// Command bundle-verifier judges a Sigstore bundle, with code that is not ours.
//
// Usage: bundle-verifier BUNDLE KEY DIGEST, or bundle-verifier BUNDLE ROOT DIGEST IDENTITY ISSUER.
// KEY is a public key in PEM, ROOT a trusted root of Sigstore (JSON), DIGEST that of the image,
// sha256:<hex>. It prints the verified in-toto statement, or ends with status 1.
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

// byKey trusts one key of one's own: it has neither a certificate nor an entry in a public log.
func byKey(keyFile string) (*verify.Verifier, verify.PolicyOption, error) {
	pem, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, nil, err
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(pem)
	if err != nil {
		return nil, nil, err
	}
	key, err := signature.LoadVerifier(public, crypto.SHA256)
	if err != nil {
		return nil, nil, err
	}
	trusted := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(key, time.Time{}, time.Time{}), nil
	})
	verifier, err := verify.NewVerifier(trusted, verify.WithNoObserverTimestamps())
	return verifier, verify.WithKey(), err
}

// byIdentity trusts who a certificate says that signed. As `gh attestation verify` does, it asks for
// an entry in the log where the root has one, and for a signed timestamp where it has none.
func byIdentity(rootFile, identity, issuer string) (*verify.Verifier, verify.PolicyOption, error) {
	trusted, err := root.NewTrustedRootFromPath(rootFile)
	if err != nil {
		return nil, nil, err
	}
	options := []verify.VerifierOption{verify.WithSignedTimestamps(1)}
	if len(trusted.RekorLogs()) > 0 {
		options = []verify.VerifierOption{
			verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1),
		}
	}
	verifier, err := verify.NewVerifier(trusted, options...)
	if err != nil {
		return nil, nil, err
	}
	who, err := verify.NewShortCertificateIdentity(issuer, "", identity, "")
	return verifier, verify.WithCertificateIdentity(who), err
}

func run(file, image string, verifier *verify.Verifier, signer verify.PolicyOption) error {
	made, err := bundle.LoadJSONFromPath(file)
	if err != nil {
		return err
	}
	digest, err := hex.DecodeString(strings.TrimPrefix(image, "sha256:"))
	if err != nil {
		return err
	}
	policy := verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), signer)
	result, err := verifier.Verify(made, policy)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result.Statement)
}

func main() {
	var verifier *verify.Verifier
	var signer verify.PolicyOption
	var err error
	switch len(os.Args) {
	case 4:
		verifier, signer, err = byKey(os.Args[2])
	case 6:
		verifier, signer, err = byIdentity(os.Args[2], os.Args[4], os.Args[5])
	default:
		fmt.Fprintln(os.Stderr, "usage: bundle-verifier BUNDLE KEY|ROOT DIGEST [IDENTITY ISSUER]")
		os.Exit(2)
	}
	if err == nil {
		err = run(os.Args[1], os.Args[3], verifier, signer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
