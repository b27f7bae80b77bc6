// Command main answers HTTP requests with a greeting, from an image that holds nothing but itself
// and the certificates that it trusts.
package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

const shutdownTimeout = 5 * time.Second

func main() {
	certificates, err := loadCertificates(setting("CERTS", "/app/certs"))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", ":"+setting("PORT", "8080"))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Handler:           routes(certificates),
		ReadHeaderTimeout: shutdownTimeout,
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		timeout, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		_ = server.Shutdown(timeout)
	}()
	log.Printf("listening on %s with %d trusted certificates", listener.Addr(), certificates)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

func routes(certificates int) http.Handler {
	router := chi.NewRouter()
	router.Use(middleware.Recoverer)
	router.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "Hello from a Go multi-stage Docker build!")
	})
	router.Get("/certs", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, certificates)
	})
	return router
}

// loadCertificates returns how many files of a directory hold certificates that can be trusted.
func loadCertificates(dir string) (int, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.pem"))
	if err != nil {
		return 0, err
	}
	pool := x509.NewCertPool()
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		if !pool.AppendCertsFromPEM(data) {
			return 0, fmt.Errorf("%s holds no certificate", path)
		}
	}
	return len(paths), nil
}

func setting(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
