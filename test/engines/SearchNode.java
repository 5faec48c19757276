import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/** A node of OpenSearch from its jars, with the settings that stand behind it: NAME=VALUE … */
final class SearchNode extends Node {
  private SearchNode(Settings settings) {
    super(
        InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "search"),
        List.of(Netty4Plugin.class, CommonAnalysisPlugin.class),
        true);
  }

  public static void main(String[] given) throws Exception {
    var settings = Settings.builder();
    for (var one : given) settings.put(one.split("=", 2)[0], one.split("=", 2)[1]);
    var node = new SearchNode(settings.build());
    node.start();
    var ended = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node, ended)));
    ended.await();
  }

  private static void close(Node node, CountDownLatch ended) {
    try {
      node.close();
    } catch (Exception error) {
      error.printStackTrace();
    } finally {
      ended.countDown();
    }
  }
}
