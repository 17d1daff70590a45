package docker

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The toy node's ports.
const (
	toyHTTP = 8080
	toyUDP  = 7100
	toyTCP  = 7200
)

// toyValue is where the toy node keeps its value, and toyIdentity what its volume is formatted
// with.
const (
	toyValue    = "/data/value"
	toyIdentity = "/data/meta/identity"
)

// heard is what a toy node received: UDP datagrams and bytes over TCP, by sender; and how often it
// got an error on sending a datagram.
type heard struct {
	UDP, TCP   map[string]int
	SendErrors int
}

// A toyNode is a system under test that has nothing of Paxos: it tells all peers that it is there,
// in datagrams and over TCP connections that it keeps open, counts what it hears of them, and keeps
// one value in a file.
type toyNode struct {
	name  string
	peers map[string]string // name → address

	mu    sync.Mutex
	heard heard
	// manners are what it does when it is told to end: "deaf" for nothing, "sour" for a failure.
	manners string
}

// forgetful is a further argument of a toy node that does not mind an empty disk.
const forgetful = "forgetful"

// runToyNode is the main function of a toy node: node NAME n1=ADDRESS n2=ADDRESS… [forgetful]
func runToyNode(arguments []string) {
	n := &toyNode{
		name: arguments[0], peers: make(map[string]string),
		heard: heard{UDP: make(map[string]int), TCP: make(map[string]int)},
	}
	go n.endWhenTold()
	for _, peer := range arguments[1:] {
		name, address, isPeer := strings.Cut(peer, "=")
		if isPeer && name != n.name {
			n.peers[name] = address
		}
	}
	_, err := os.ReadFile(toyIdentity)
	if err != nil && !slices.Contains(arguments, forgetful) {
		log.Fatalf("this disk was never formatted: %v", err)
	}
	fmt.Printf("%s is up\n", n.name)
	socket, err := net.ListenPacket("udp4", fmt.Sprintf(":%d", toyUDP))
	if err != nil {
		log.Fatal(err)
	}
	go n.hearDatagrams(socket)
	go n.hearStreams()
	for _, address := range n.peers {
		go n.sendDatagrams(socket, address)
		go sendStream(address)
	}
	http.HandleFunc("GET /heard", n.serveHeard)
	http.HandleFunc("GET /value", serveValue)
	http.HandleFunc("PUT /value", storeValue)
	http.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		status, _ := os.ReadFile("/proc/1/status")
		_, _ = w.Write(status)
	})
	http.HandleFunc("POST /write-root", func(w http.ResponseWriter, _ *http.Request) {
		if err := os.WriteFile("/written", nil, 0o600); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	http.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("POST /crash", func(http.ResponseWriter, *http.Request) {
		fmt.Fprintln(os.Stderr, "the toy node was told to crash")
		os.Exit(3)
	})
	http.HandleFunc("POST /manners", func(_ http.ResponseWriter, r *http.Request) {
		manners, _ := io.ReadAll(r.Body)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.manners = string(manners)
	})
	http.HandleFunc("GET /manners", func(w http.ResponseWriter, _ *http.Request) {
		n.mu.Lock()
		defer n.mu.Unlock()
		_, _ = io.WriteString(w, n.manners)
	})
	http.HandleFunc("POST /gorge", func(http.ResponseWriter, *http.Request) { gorge() })
	log.Fatal(http.ListenAndServe(fmt.Sprintf(":%d", toyHTTP), nil))
}

// endWhenTold ends the process in order when SIGTERM comes, unless its manners are bad.
func (n *toyNode) endWhenTold() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	for range told {
		n.mu.Lock()
		manners := n.manners
		n.mu.Unlock()
		switch manners {
		case "deaf":
		case "sour":
			fmt.Fprintln(os.Stderr, "the toy node does not like to end")
			os.Exit(9)
		default:
			os.Exit(0)
		}
	}
}

// nameOf returns the peer at an address.
func (n *toyNode) nameOf(address net.Addr) string {
	host, _, _ := net.SplitHostPort(address.String())
	for name, at := range n.peers {
		if at == host {
			return name
		}
	}
	return host
}

func (n *toyNode) hearDatagrams(socket net.PacketConn) {
	buffer := make([]byte, 100)
	for {
		_, from, err := socket.ReadFrom(buffer)
		if err != nil {
			continue
		}
		n.mu.Lock()
		n.heard.UDP[n.nameOf(from)]++
		n.mu.Unlock()
	}
}

func (n *toyNode) sendDatagrams(socket net.PacketConn, address string) {
	to := &net.UDPAddr{IP: net.ParseIP(address), Port: toyUDP}
	for {
		if _, err := socket.WriteTo([]byte("here"), to); err != nil {
			n.mu.Lock()
			n.heard.SendErrors++
			n.mu.Unlock()
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (n *toyNode) hearStreams() {
	listener, err := net.Listen("tcp4", fmt.Sprintf(":%d", toyTCP))
	if err != nil {
		log.Fatal(err)
	}
	for {
		stream, err := listener.Accept()
		if err != nil {
			continue
		}
		go func() {
			buffer := make([]byte, 100)
			for {
				count, err := stream.Read(buffer)
				n.mu.Lock()
				n.heard.TCP[n.nameOf(stream.RemoteAddr())] += count
				n.mu.Unlock()
				if err != nil {
					return
				}
			}
		}()
	}
}

// sendStream keeps one connection to a peer and writes a byte to it now and then.
func sendStream(address string) {
	for {
		stream, err := net.Dial("tcp4", net.JoinHostPort(address, strconv.Itoa(toyTCP)))
		for err == nil {
			_, err = stream.Write([]byte("x"))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (n *toyNode) serveHeard(w http.ResponseWriter, _ *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = json.NewEncoder(w).Encode(n.heard)
}

func serveValue(w http.ResponseWriter, _ *http.Request) {
	value, err := os.ReadFile(toyValue)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	_, _ = w.Write(value)
}

func storeValue(w http.ResponseWriter, r *http.Request) {
	value, err := io.ReadAll(r.Body)
	if err == nil {
		err = os.WriteFile(toyValue, value, 0o600)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// gorge takes memory until the kernel objects.
func gorge() {
	for {
		page := make([]byte, 16<<20)
		for i := 0; i < len(page); i += 4096 {
			page[i] = 1
		}
		hoard = append(hoard, page)
	}
}

var hoard [][]byte

// killWorker is run inside an agent's container: it kills the worker, the one process that is not
// the first and not this one.
func killWorker() {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && pid != 1 && pid != os.Getpid() {
			process, err := os.FindProcess(pid)
			if err == nil {
				err = process.Kill()
			}
			if err != nil {
				log.Fatal(err)
			}
		}
	}
}
