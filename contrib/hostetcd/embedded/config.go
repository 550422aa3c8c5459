package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3compactor"
	"go.uber.org/zap"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	defaultName   = "hostlife"
	defaultListen = "127.0.0.1:0"
	defaultKeep   = 200_000
	defaultQuota  = 2 << 30
	minQuota      = 64 << 20
)

// Config configures a Server. Dir is required.
type Config struct {
	// Dir is the folder of the data, which only this server uses. Start makes it if it is missing. It
	// should be on a local disk: etcd waits for fsync before it acknowledges a write.
	Dir string
	// Name is the name of the server in its cluster, always the same. Empty means "hostlife", which
	// is for one server only.
	Name string
	// Listen is the address for clients, HOST:PORT. Port 0 means any that is free. Empty means
	// "127.0.0.1:0". etcd speaks plain text there, and asks for no password, unless Adjust says
	// otherwise: so only trusted processes may reach it.
	Listen string
	// PeerListen is the address for the other servers, HOST:PORT. Empty means the address of this
	// server in Cluster.
	PeerListen string
	// Cluster has the addresses of all servers for each other, HOST:PORT by name, this one included.
	// It has three or five entries, and must be the same for all servers. It is read only at the first
	// start. Empty means that there is only this server.
	Cluster map[string]string
	// Keep is the least number of revisions that are kept, unless they fill half of Quota. Older ones
	// are removed every five minutes. A feed that is further behind has a gap, and a member that comes
	// back after more revisions is told that changes may be lost. Zero means 200,000.
	Keep int
	// Quota bounds the size of the data, in bytes. Beyond it etcd refuses all writes. If the records
	// and their history fill half of it, the server removes most of the history, whatever Keep is. If
	// the records alone do so, it logs a warning. Zero means 2 GiB.
	Quota int64
	// Logger gets warnings and errors of etcd. Its many other lines have the level Debug. Nil means
	// that nothing is logged.
	Logger *slog.Logger
	// Adjust changes the settings of etcd, such as TLS, before the server starts. Nil changes nothing.
	Adjust func(*embed.Config)
}

// settings returns the settings of etcd.
func (c *Config) settings(closing *atomic.Bool) (*embed.Config, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	e := embed.NewConfig()
	e.Name, e.Dir = c.Name, c.Dir
	e.ListenClientUrls = []url.URL{urlOf(c.Listen)}
	e.AdvertiseClientUrls = e.ListenClientUrls
	e.ListenPeerUrls = []url.URL{urlOf(c.PeerListen)}
	e.AdvertisePeerUrls = []url.URL{urlOf(c.Cluster[c.Name])}
	e.InitialCluster = initial(c.Cluster)
	e.InitialClusterToken = "hostlife"
	e.AutoCompactionMode, e.AutoCompactionRetention = v3compactor.ModeRevision, strconv.Itoa(c.Keep)
	e.QuotaBackendBytes = c.Quota
	e.EnableGRPCGateway = false
	e.WarningUnaryRequestDuration = embed.DefaultWarningUnaryRequestDuration // else it warns of each one
	e.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(logCore{c.Logger.Handler(), closing}))
	if c.Adjust != nil {
		c.Adjust(e)
	}
	return e, nil
}

// withDefaults returns the Config with its zero values replaced.
func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = defaultName
	}
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	if len(c.Cluster) == 0 {
		c.Cluster = map[string]string{c.Name: defaultListen}
	}
	if c.PeerListen == "" {
		c.PeerListen = c.Cluster[c.Name]
	}
	if c.Keep == 0 {
		c.Keep = defaultKeep
	}
	if c.Quota == 0 {
		c.Quota = defaultQuota
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c *Config) check() error {
	_, member := c.Cluster[c.Name]
	switch {
	case c.Dir == "":
		return invalid("no Dir")
	case strings.ContainsAny(c.Name, "=,"):
		return invalid("Name %q has a comma or an equals sign", c.Name)
	case !member:
		return invalid("Cluster has no server %q, which is the Name of this one", c.Name)
	case c.Keep < 0:
		return invalid("Keep %d is below 0", c.Keep)
	case c.Quota < minQuota:
		return invalid("Quota %d is below %d", c.Quota, minQuota)
	}
	return errors.Join(checkAddress("Listen", c.Listen), checkAddress("PeerListen", c.PeerListen), c.checkCluster())
}

func (c *Config) checkCluster() error {
	for name, address := range c.Cluster {
		if err := checkAddress("Cluster: "+name, address); err != nil {
			return err
		}
		if _, port, _ := net.SplitHostPort(address); port == "0" && len(c.Cluster) > 1 {
			return invalid("Cluster: the other servers need the port of %q", name)
		}
	}
	return nil
}

// checkAddress checks a HOST:PORT. etcd listens at IP addresses only, so a host name fails there,
// with an error of etcd that says so.
func checkAddress(what, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return invalid("%s: %q is not HOST:PORT", what, address)
	}
	return nil
}

func urlOf(address string) url.URL { return url.URL{Scheme: "http", Host: address} }

// initial returns the servers of a cluster as etcd wants them.
func initial(cluster map[string]string) string {
	var list []string
	for name, address := range cluster {
		u := urlOf(address)
		list = append(list, name+"="+u.String())
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", hostmgr.ErrInvalid, fmt.Sprintf(format, args...))
}
