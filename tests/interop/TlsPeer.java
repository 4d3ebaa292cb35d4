// Java's TLS (JSSE) as a peer:
//   java TlsPeer.java client|server PORT DIRECTORY CERTIFICATE [PATH...]
// It trusts DIRECTORY/ca.pem, and shows DIRECTORY/CERTIFICATE.pem.

import java.io.*;
import java.net.InetAddress;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.net.ssl.*;

public class TlsPeer {
  static SSLContext context(Path directory, String name) throws Exception {
    var factory = CertificateFactory.getInstance("X.509");
    var store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    try (var in = Files.newInputStream(directory.resolve("ca.pem"))) {
      store.setCertificateEntry("ca", factory.generateCertificate(in));
    }
    var trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(store);
    java.security.cert.Certificate[] chain;
    try (var in = Files.newInputStream(directory.resolve(name + ".pem"))) {
      chain = factory.generateCertificates(in).toArray(new java.security.cert.Certificate[0]);
    }
    var pem = Files.readString(directory.resolve(name + ".key"));
    var der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    var key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));
    store.setKeyEntry("own", key, new char[0], chain);
    var keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(store, new char[0]);
    var context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  static void speakHttp(SSLSocket socket, String... protocols) {
    var parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {"http/1.1"});
    if (protocols.length > 0) parameters.setProtocols(protocols);
    if (socket.getUseClientMode()) {
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      parameters.setServerNames(List.of(new SNIHostName("www.lab")));
    }
    socket.setSSLParameters(parameters);
  }

  static String readHead(InputStream in) throws IOException {
    var head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int c = in.read();
      if (c < 0) throw new EOFException("no whole head: " + head);
      head.append((char) c);
    }
    return head.toString();
  }

  /// Prints what was agreed on, and the SHA-256 of what came. An end without close_notify throws.
  static void ask(SSLContext context, int port, String path, String... protocols)
      throws Exception {
    var begun = System.currentTimeMillis();
    try (var socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
      speakHttp(socket, protocols);
      socket.startHandshake();
      var out = socket.getOutputStream();
      out.write(("GET " + path + " HTTP/1.1\r\nHost: www.lab\r\nConnection: close\r\n\r\n")
                    .getBytes());
      var in = new BufferedInputStream(socket.getInputStream(), 65536);
      var status = readHead(in).split("\r\n")[0];
      var digest = MessageDigest.getInstance("SHA-256");
      var piece = new byte[65536];
      for (int n; (n = in.read(piece)) > 0;) digest.update(piece, 0, n);
      var session = socket.getSession();
      System.out.printf("%s %s %s %s %s%n", session.getProtocol(), socket.getApplicationProtocol(),
          session.getCreationTime() < begun ? "resumed" : "new", status.split(" ")[1],
          HexFormat.of().formatHex(digest.digest()));
    }
  }

  static void answer(SSLSocket socket, Path directory) throws IOException {
    try (socket) {
      speakHttp(socket);
      var path = readHead(new BufferedInputStream(socket.getInputStream())).split(" ")[1];
      var out = socket.getOutputStream();
      if (path.equals("/moved")) {
        out.write("HTTP/1.1 302 Found\r\nLocation: /big\r\nContent-Length: 0\r\n\r\n".getBytes());
        return;
      }
      var size = 64 << 20;
      out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n").getBytes());
      var piece = new byte[65536];
      for (int i = 0; i < piece.length; ++i) piece[i] = (byte) (i * 31 >> 3);
      for (int sent = 0; sent < size; sent += piece.length) out.write(piece);
    } catch (IOException error) {
      System.out.println(error.getMessage());
    }
  }

  public static void main(String[] arguments) throws Exception {
    // A server updates its keys after each MiB.
    if (arguments[0].equals("server"))
      Security.setProperty("jdk.tls.keyLimits", "AES/GCM/NoPadding KeyUpdate 2^20");
    var port = Integer.parseInt(arguments[1]);
    var directory = Path.of(arguments[2]);
    var context = context(directory, arguments[3]);
    if (arguments[0].equals("client")) {
      // One version after the other: a session is remembered by host alone.
      for (var protocols : List.of(new String[] {}, new String[] {"TLSv1.2"}))
        for (var path : Arrays.asList(arguments).subList(4, arguments.length))
          ask(context, port, path, protocols);
      return;
    }
    var here = InetAddress.getByName("127.0.0.1");
    try (var listener = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(
             port, 10, here)) {
      listener.setNeedClientAuth(true);
      System.out.println("ready");
      while (true) answer((SSLSocket) listener.accept(), directory);
    }
  }
}
