package hostredis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func TestStoreWithTLS(t *testing.T) {
	t.Parallel()
	certificate, key, pool := certificates(t)
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	startServer(t, "tls-port "+port, "tls-cert-file "+certificate, "tls-key-file "+key, "tls-ca-cert-file "+certificate,
		"tls-auth-clients no")
	requireWorks(t, open(t, redis.NewClient(&redis.Options{Addr: addr, TLSConfig: &tls.Config{RootCAs: pool}})))
}

// certificates returns the files of a certificate for the loopback address, and a pool that has it.
func certificates(t *testing.T) (certificate, key string, pool *x509.CertPool) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	file := func(name, kind string, b []byte) string {
		name = filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600))
		return name
	}
	return file("cert.pem", "CERTIFICATE", der), file("key.pem", "PRIVATE KEY", pkcs8), pool
}
