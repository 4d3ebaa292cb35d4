// Java's TLS (JSSE) as a peer, with certificates of `handfast ca` in DIRECTORY:
//   java TlsPeer.java client DIRECTORY ASK...      ASK: PORT,PATH[,PROTOCOL[,SUITE[,NAME]]]
//   java TlsPeer.java server DIRECTORY LISTEN...   LISTEN: PORT,CERTIFICATE[,PROTOCOL[,SUITE]]
// A client trusts ca.pem, shows alice.pem, and prints a line for each ASK. A server wants a
// certificate. With -DkeyLimit=2^20 keys are updated after each MiB; and as long as the answer to
// that is not there, at each record that comes.

import java.io.*;
import java.net.*;
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

  /// `arguments` from `at` on: protocol, suite.
  static void configure(SSLSocket socket, String[] arguments, int at) {
    var parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {"http/1.1"});
    if (given(arguments, at)) parameters.setProtocols(new String[] {arguments[at]});
    if (given(arguments, at + 1)) parameters.setCipherSuites(new String[] {arguments[at + 1]});
    if (socket.getUseClientMode()) parameters.setEndpointIdentificationAlgorithm("HTTPS");
    socket.setSSLParameters(parameters);
  }

  static boolean given(String[] arguments, int at) {
    return at < arguments.length && !arguments[at].isEmpty();
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

  /// GETs, or POSTs 64 MiB to /echo. Prints what was agreed on, and the SHA-256 of what came. An
  /// end without close_notify throws.
  static void ask(SSLContext context, String[] arguments) throws Exception {
    var begun = System.currentTimeMillis();
    var port = Integer.parseInt(arguments[0]);
    var name = given(arguments, 4) ? arguments[4] : "www.lab";
    try (var plain = new Socket("127.0.0.1", port);
         var socket =
             (SSLSocket) context.getSocketFactory().createSocket(plain, name, port, true)) {
      configure(socket, arguments, 2);
      socket.startHandshake();
      var out = socket.getOutputStream();
      var posts = arguments[1].startsWith("/echo");
      out.write(((posts ? "POST " : "GET ") + arguments[1] + " HTTP/1.0\r\nHost: www.lab\r\n" +
                 (posts ? "Content-Length: " + (64 << 20) + "\r\n\r\n" : "\r\n")).getBytes());
      var piece = new byte[65536];
      for (int i = 0; i < piece.length; ++i) piece[i] = (byte) (i * 31 >> 3);
      for (int i = 0; posts && i < 1024; ++i) out.write(piece);
      var in = new BufferedInputStream(socket.getInputStream(), 65536);
      var status = readHead(in).split("\r\n")[0];
      var digest = MessageDigest.getInstance("SHA-256");
      for (int n; (n = in.read(piece)) > 0;) digest.update(piece, 0, n);
      var session = socket.getSession();
      System.out.printf("%s %s %s %s %s%n", session.getProtocol(), socket.getApplicationProtocol(),
          session.getCreationTime() < begun ? "resumed" : "new", status.split(" ")[1],
          HexFormat.of().formatHex(digest.digest()));
    } catch (IOException error) {
      System.out.println("refused: " + error.getMessage());
    }
  }

  /// Gives content back; of /moved/X it says that it is at /X.
  static void answer(SSLSocket socket, String[] arguments) throws IOException {
    try (socket) {
      configure(socket, arguments, 2);
      var in = new BufferedInputStream(socket.getInputStream(), 65536);
      var head = readHead(in).split("\r\n");
      var out = socket.getOutputStream();
      var path = head[0].split(" ")[1];
      if (path.startsWith("/moved")) {
        out.write(("HTTP/1.1 302 Found\r\nLocation: " + path.substring("/moved".length()) +
                   "\r\nContent-Length: 0\r\n\r\n").getBytes());
        return;
      }
      var content = new byte[0];
      for (var field : head)
        if (field.startsWith("Content-Length: "))
          content = in.readNBytes(Integer.parseInt(field.split(" ")[1]));
      out.write("HTTP/1.0 200 OK\r\n\r\n".getBytes());  // close_notify ends it
      out.write(content);
    } catch (IOException error) {
      System.out.println(error.getMessage());
    }
  }

  static void listen(Path directory, String[] arguments) {
    try {
      var context = context(directory, arguments[1]);
      var listener = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(
          Integer.parseInt(arguments[0]), 10, InetAddress.getByName("127.0.0.1"));
      listener.setNeedClientAuth(true);
      while (true) answer((SSLSocket) listener.accept(), arguments);
    } catch (Exception error) {
      System.out.println(error);
    }
  }

  public static void main(String[] arguments) throws Exception {
    var limit = System.getProperty("keyLimit", "2^37");
    Security.setProperty("jdk.tls.keyLimits", "AES/GCM/NoPadding KeyUpdate " + limit);
    Security.setProperty("jdk.tls.disabledAlgorithms", "");
    var directory = Path.of(arguments[1]);
    var rest = Arrays.stream(arguments).skip(2).map(it -> it.split(",")).toList();
    if (arguments[0].equals("server")) {
      for (var it : rest) new Thread(() -> listen(directory, it)).start();
      return;
    }
    var context = context(directory, "alice");
    for (var it : rest) ask(context, it);
  }
}
